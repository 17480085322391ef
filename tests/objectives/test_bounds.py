"""Every bound: against a slow loop, against the known values of a Gaussian pair with the exact critic, and its caps, gradients, errors."""

import math

import pytest
import torch

from torchcpc.contracts import CPCError
from torchcpc.objectives.bounds import BOUNDS, js_objective, moving_log_average

RHO = 0.9
INFORMATION = -0.5 * math.log(1 - RHO**2)


def softplus(s):
    return math.log1p(math.exp(s))


def loops(S, a, u, alpha):
    """The formulas as written, with sums of exponentials, for small scores only."""
    N = len(S)
    e = [[math.exp(s) for s in row] for row in S]
    pairs = [(i, j) for i in range(N) for j in range(N) if i != j]
    diagonal = sum(S[i][i] for i in range(N)) / N
    mean_off = sum(e[i][j] for i, j in pairs) / len(pairs)
    row = [alpha / N * e[i][i] + (N - alpha) / (N * (N - 1)) * sum(e[i][j] for j in range(N) if j != i) for i in range(N)]

    def without(i, j):
        return alpha * sum(e[i][m] for m in range(N) if m != j) / (N - 1) + (1 - alpha) * a[i]

    return {
        "infonce": sum(math.log(e[i][i] / (sum(e[i]) / N)) for i in range(N)) / N,
        "dv": diagonal - math.log(mean_off),
        "mine": diagonal - math.log(mean_off),
        "nwj": diagonal - mean_off / math.e,
        "tuba": 1 + sum(S[i][i] - math.log(a[i]) for i in range(N)) / N - sum(e[i][j] / a[i] for i, j in pairs) / len(pairs),
        "interpolated": 1
        + sum(math.log(e[i][i] / without(i, j)) for i, j in pairs) / len(pairs)
        - sum(e[i][j] / without(i, i) for i, j in pairs) / len(pairs),
        "js": 1 + diagonal - mean_off,
        "smile": diagonal - math.log(sum(math.exp(max(-1.0, min(1.0, S[i][j]))) for i, j in pairs) / len(pairs)),
        "ml_cpc": diagonal - math.log(sum(row) / N),
        "alpha_cpc": sum(S[i][i] - math.log(row[i]) for i in range(N)) / N,
        "flo": 1
        - sum(u[i] + math.exp(-u[i] - S[i][i]) * sum(e[i][j] for j in range(N) if j != i) / (N - 1) for i in range(N)) / N,
        "leave_one_out": sum(S[i][i] - math.log(sum(e[j][i] for j in range(N) if j != i) / (N - 1)) for i in range(N)) / N,
        "club": diagonal - sum(S[i][j] for i, j in pairs) / len(pairs),
    }


def extras(a, u, alpha):
    """What each bound is given beside the scores."""
    given = {name: ((), {}) for name in BOUNDS}
    given |= {"tuba": ((a.log(),), {}), "interpolated": ((a.log(),), {"alpha": alpha}), "flo": ((u,), {})}
    given |= {"smile": ((), {"clip": 1.0}), "ml_cpc": ((), {"alpha": alpha}), "alpha_cpc": ((), {"alpha": alpha})}
    return given


def example(dtype=torch.float64, n=7):
    generator = torch.Generator().manual_seed(5)
    S = 1.5 * torch.randn(n, n, generator=generator, dtype=torch.float64)
    a, u = torch.rand(n, generator=generator).double() + 0.3, torch.randn(n, generator=generator).double()
    return S.to(dtype), a.to(dtype), u.to(dtype)


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize(("dtype", "near"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 0.1)])
@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_a_slow_loop_agrees(name, dtype, near, alpha):
    S, a, u = example(dtype)
    slow = loops(S.double().tolist(), a.double().tolist(), u.double().tolist(), alpha)
    assert slow.keys() == BOUNDS.keys()
    rest, named = extras(a, u, alpha)[name]
    out = BOUNDS[name](S, *rest, **named)
    assert out.dtype == (torch.float64 if dtype == torch.float64 else torch.float32) and out.shape == ()
    assert out.item() == pytest.approx(slow[name], abs=near, rel=near)


def slope(function, S):
    S = S.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(S), S)
    return gradient


@pytest.mark.parametrize("name", sorted(BOUNDS.keys() - {"js", "smile"}))
def test_gradients_are_those_of_the_value(name):
    S, a, u = example()
    rest, named = extras(a, u, 0.4)[name]
    assert torch.autograd.gradcheck(lambda s: BOUNDS[name](s, *rest, **named), S.requires_grad_())


@pytest.mark.parametrize("name", ["tuba", "interpolated", "flo"])
def test_what_is_learned_beside_the_scores_has_gradients(name):
    S, a, u = example()
    value = (u if name == "flo" else a.log()).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: BOUNDS[name](S, v), value)


@pytest.mark.parametrize("name", ["js", "smile"])
def test_js_and_smile_train_the_classifier(name):
    S, *_ = example()
    N = len(S)
    expected = torch.where(torch.eye(N, dtype=torch.bool), torch.sigmoid(-S) / N, -torch.sigmoid(S) / (N * (N - 1)))
    torch.testing.assert_close(slope(BOUNDS[name], S), expected)
    loop = [-softplus(-S[i, i].item()) / N for i in range(N)]
    loop += [-softplus(S[i, j].item()) / (N * (N - 1)) for i in range(N) for j in range(N) if i != j]
    assert js_objective(S).item() == pytest.approx(sum(loop))


def test_mine_divides_by_the_moving_average():
    S, *_ = example()
    N = len(S)
    off = ~torch.eye(N, dtype=torch.bool)
    own = S[off].exp().mean()
    first = moving_log_average(S)
    assert first.exp().item() == pytest.approx(own.item())
    second = moving_log_average(2 * S, first, decay=0.7)
    assert second.exp().item() == pytest.approx((0.7 * own + 0.3 * (2 * S)[off].exp().mean()).item())
    expected = torch.where(off, -S.exp() / (N * (N - 1)) / second.exp(), torch.full_like(S, 1 / N))
    torch.testing.assert_close(slope(lambda s: BOUNDS["mine"](s, second), S), expected)
    assert BOUNDS["mine"](S, second).item() == pytest.approx(BOUNDS["dv"](S).item())
    torch.testing.assert_close(slope(lambda s: BOUNDS["mine"](s, first), S), slope(BOUNDS["dv"], S))


def gaussian(n, count, seed=0, rho=RHO, pairs=1):
    """count score matrices [n, n] of the exact log ratio of Gaussian pairs."""
    generator = torch.Generator().manual_seed(seed)
    c = torch.randn(count, n, pairs, generator=generator, dtype=torch.float64)
    x = rho * c + math.sqrt(1 - rho**2) * torch.randn(c.shape, generator=generator, dtype=torch.float64)
    c, x = c[:, :, None], x[:, None]
    s = 1 - rho**2
    return (-0.5 * math.log(s) - (rho**2 * (x**2 + c**2) - 2 * rho * x * c) / (2 * s)).sum(-1)


def average(function, matrices):
    values = torch.stack([function(S) for S in matrices])
    return values.mean().item(), values.std().item() / len(values) ** 0.5


@pytest.mark.parametrize(
    ("name", "rho", "pairs", "n", "value"),
    [
        ("infonce", 0.5, 1, 8, 0.123),
        ("infonce", 0.9, 1, 2, 0.337),
        ("infonce", 0.9, 1, 8, 0.682),
        ("infonce", 0.9, 1, 128, 0.813),
        ("infonce", 0.99, 1, 32, 1.790),
        ("infonce", 0.9, 4, 32, 2.573),
        ("infonce", 0.9, 10, 128, 4.720),
        ("leave_one_out", 0.5, 1, 8, 0.17),
        ("leave_one_out", 0.9, 1, 8, 1.14),
        ("leave_one_out", 0.9, 1, 128, 0.84),
    ],
)
def test_the_exact_critic_reaches_the_known_value(name, rho, pairs, n, value):
    mean, error = average(BOUNDS[name], gaussian(n, 16_000 // n + 60, rho=rho, pairs=pairs))
    assert mean == pytest.approx(value, abs=4 * error + 0.012)


@pytest.mark.parametrize(
    ("name", "alpha", "value"),
    [("alpha_cpc", 1.0, 0.678), ("alpha_cpc", 0.1404, 0.942), ("ml_cpc", 1.0, 0.560), ("ml_cpc", 0.1404, 0.803)],
)
def test_alpha_cpc_passes_the_truth_and_ml_cpc_does_not(name, alpha, value):
    mean, error = average(lambda S: BOUNDS[name](S, alpha=alpha), gaussian(8, 4000))
    assert mean == pytest.approx(value, abs=4 * error + 0.004)
    assert (mean > INFORMATION) == (value > INFORMATION)


@pytest.mark.parametrize("name", ["nwj", "tuba", "js", "flo", "dv", "mine", "smile"])
def test_bounds_without_a_cap_reach_the_information(name):
    calls = {
        "nwj": lambda S: BOUNDS["nwj"](S + 1),
        "tuba": lambda S: BOUNDS["tuba"](S, torch.zeros(())),
        "flo": lambda S: BOUNDS["flo"](S, -S.diagonal()),
    }
    matrices = gaussian(101, 200)
    mean, error = average(calls.get(name, BOUNDS[name]), matrices)
    assert mean == pytest.approx(INFORMATION, abs=4 * error + 0.02)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.9])
def test_interpolated_stays_below_the_information_and_joins_its_ends(alpha):
    mean, error = average(lambda S: BOUNDS["interpolated"](S, torch.zeros(()), alpha=alpha), gaussian(8, 3000))
    assert mean < INFORMATION + 3 * error
    S, a, _ = example()
    assert BOUNDS["interpolated"](S, a.log(), alpha=0.0).item() == pytest.approx(BOUNDS["tuba"](S, a.log()).item())
    assert BOUNDS["interpolated"](S, a.log(), alpha=1e-9).item() == pytest.approx(BOUNDS["tuba"](S, a.log()).item(), abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_club_is_an_upper_bound_in_closed_form(dtype):
    mean, error = average(BOUNDS["club"], gaussian(64, 300).to(dtype))
    assert mean == pytest.approx(RHO**2 / (1 - RHO**2), abs=4 * error)  # E_p log r - E_pp log r of a Gaussian pair
    assert mean > INFORMATION


@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
def test_caps_hold_and_nothing_overflows(scale):
    S = scale * torch.eye(11)
    for name, cap in (
        ("infonce", math.log(11)),
        ("alpha_cpc", math.log(11 / 0.5)),
        ("ml_cpc", math.log(11)),
    ):
        assert 0 < BOUNDS[name](S).item() <= cap + 1e-4, name
        assert torch.isfinite(slope(BOUNDS[name], S)).all(), name
    value = BOUNDS["interpolated"](S, torch.zeros(()), alpha=0.25)
    assert value.item() <= 1 + math.log(10 / 0.25) + 1e-4
    assert torch.isfinite(slope(lambda s: BOUNDS["interpolated"](s, torch.zeros(()), alpha=0.25), S)).all()
    for name in ("dv", "leave_one_out", "smile"):
        assert torch.isfinite(BOUNDS[name](-S)) and torch.isfinite(BOUNDS[name](S)), name


@pytest.mark.parametrize("name", ["infonce", "flo", "alpha_cpc"])
def test_what_depends_on_the_context_alone_cancels(name):
    S, _, u = example()
    rest = (u,) if name == "flo" else ()
    gauge = torch.linspace(-3, 5, len(S), dtype=S.dtype)[:, None]
    assert BOUNDS[name](S + gauge, *rest).item() == pytest.approx(BOUNDS[name](S, *rest).item())


@pytest.mark.parametrize("name", ["leave_one_out", "club"])
def test_what_depends_on_the_candidate_alone_cancels(name):
    S, *_ = example()
    assert BOUNDS[name](S + torch.linspace(-3, 5, len(S))[None]).item() == pytest.approx(BOUNDS[name](S).item())


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize(
    ("S", "message"),
    [
        (torch.zeros(3, 5), "shape"),
        (torch.zeros(3), "shape"),
        (torch.zeros(1, 1), "at least"),
        (torch.full((3, 3), math.nan), "finite"),
        (torch.full((3, 3), math.inf), "finite"),
        (torch.zeros(3, 3, dtype=torch.int64), "finite"),
    ],
)
def test_faulty_scores_are_refused(name, S, message):
    rest = (torch.zeros(()),) if name in ("tuba", "interpolated", "flo") else ()
    with pytest.raises(CPCError, match=message):
        BOUNDS[name](S, *rest)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda S: BOUNDS["tuba"](S, torch.zeros(5)), "log_baseline"),
        (lambda S: BOUNDS["flo"](S, torch.full((3,), math.nan)), "u of shape"),
        (lambda S: BOUNDS["alpha_cpc"](S, alpha=0.0), "alpha"),
        (lambda S: BOUNDS["ml_cpc"](S, alpha=0.1), "lower bound from"),
        (lambda S: BOUNDS["interpolated"](S, torch.zeros(()), alpha=1.1), "alpha"),
        (lambda S: BOUNDS["smile"](S, clip=0.0), "clip"),
        (lambda S: BOUNDS["mine"](S, math.inf), "log_average"),
        (lambda S: moving_log_average(S, decay=1.0), "decay"),
    ],
)
def test_faulty_settings_are_refused(call, message):
    with pytest.raises(CPCError, match=message):
        call(torch.zeros(3, 3))
