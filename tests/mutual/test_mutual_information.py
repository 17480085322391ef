"""mutual_information against closed forms, and its parts against second routes."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import digamma, gammaln

import torchcpc
from torchcpc.contracts import CPCError
from torchcpc.mutual import CriticSettings
from torchcpc.mutual.critic import Critic, features
from torchcpc.mutual.crossfit import pointwise
from torchcpc.mutual.elliptical import Copula, fit_copula, margins
from torchcpc.mutual.estimate import neighbours_information
from torchcpc.mutual.train_critics import folds_of, inputs_of
from torchcpc.objectives import infonce, symmetric_infonce


def gaussian(n, rho, dim=1, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, dim))
    return x, rho * x + math.sqrt(1 - rho**2) * rng.standard_normal((n, dim))


def student_information(rho, nu):
    def f(v):
        return gammaln(v / 2) - v / 2 * digamma(v / 2)

    return -0.5 * math.log(1 - rho**2) + f(nu) + f(nu + 2) - 2 * f(nu + 1)


def test_gaussian_behind_other_margins():
    x, y = gaussian(3001, 0.8)
    found = torchcpc.mutual_information(np.exp(x), y**3, critic=CriticSettings(steps=50))
    truth = -0.5 * math.log(1 - 0.64)
    assert abs(found.value - truth) < 0.05 and found.low <= truth <= found.high
    assert found.detail["bits"] == pytest.approx(found.value / math.log(2))
    assert found.detail["lower_bound"] < found.value < found.detail["ceiling"] == math.log(3001 // 3)


def test_heavy_tails_are_information():
    rng = np.random.default_rng(1)
    x, y = gaussian(4001, 0.5, seed=1)
    scale = np.sqrt(rng.chisquare(2, (4001, 1)) / 2)
    found = torchcpc.mutual_information(x / scale, y / scale, critic=CriticSettings(steps=50))
    assert abs(found.value - student_information(0.5, 2)) < 0.05
    assert "Student" in found.detail["method"]


def test_what_ranks_and_correlations_cannot_see_is_learned():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((3001, 3))
    y = np.sign(x[:, :1] * x[:, 1:2]) * np.abs(
        rng.standard_normal((3001, 1))
    )  # the sign tells log 2, and no correlation shows it
    y = np.hstack([y, rng.standard_normal((3001, 2))])
    found = torchcpc.mutual_information(x, y, critic=CriticSettings(steps=150))
    assert "learned" in found.detail["method"]
    assert 0.3 < found.value < math.log(2) + 0.05


def test_edges_are_seen_by_neighbours():
    rng = np.random.default_rng(3)
    x = rng.random(4001)
    found = torchcpc.mutual_information(x, x + rng.uniform(-0.1, 0.1, 4001), critic=CriticSettings(steps=50))
    assert found.value == pytest.approx(0.1 - math.log(0.2), abs=0.06)


@pytest.mark.parametrize("seed", range(3))
def test_independence_holds_zero(seed):
    x, y = gaussian(1009, 0.0, dim=2, seed=seed)
    found = torchcpc.mutual_information(x, y, critic=CriticSettings(steps=25))
    assert found.low == 0 <= found.value < 0.05


def test_same_seed_same_number():
    x, y = gaussian(301, 0.5, dim=2)
    first, second = (torchcpc.mutual_information(x, y, seed=7, critic=CriticSettings(steps=25)) for _ in range(2))
    assert first == second


def test_the_copula_ratio_is_the_ratio_of_densities():
    rho, nu = 0.6, 3.0
    copula = Copula(nu, np.eye(2), np.eye(2), np.array([rho, 0.0]))
    S = np.eye(4)
    S[0, 2] = S[2, 0] = rho
    points = np.random.default_rng(0).standard_normal((7, 4)) * 2
    both = stats.multivariate_t(shape=S, df=nu).logpdf(points)
    sides = [stats.multivariate_t(shape=np.eye(2), df=nu).logpdf(part) for part in (points[:, :2], points[:, 2:])]
    np.testing.assert_allclose(copula.log_ratio(points[:, :2], points[:, 2:]), both - sides[0] - sides[1], atol=1e-10)


@pytest.mark.parametrize("nu", [2.0, np.inf])
def test_an_untrained_critic_scores_as_its_copula(nu):
    x, y = gaussian(211, 0.7, dim=3)
    x, y = margins(x, nu), margins(y, nu)
    copula = fit_copula(x, y, nu)
    u, v = x @ copula.to_u, y @ copula.to_v
    tensors = [torch.from_numpy(a.astype(np.float32))[None] for a in (u, features(u), v, features(v))]
    with torch.no_grad():
        score = Critic([copula], width=5, layers=2, product=3)(*tensors)[0]
    np.testing.assert_allclose(score.diagonal().numpy(), copula.log_ratio(u, v), atol=2e-3, rtol=1e-3)


def test_neighbours_against_a_slow_count():
    x, y = gaussian(101, 0.9)
    k, n = 3, 101
    dx, dy = np.abs(x - x.T), np.abs(y - y.T)
    radius = np.sort(np.maximum(dx, dy), axis=1)[:, k]
    counts = [sum(digamma((d[i] < radius[i]).sum()) for d in (dx, dy)) for i in range(n)]
    assert neighbours_information(x, y).mean() == pytest.approx(digamma(k) + digamma(n) - np.mean(counts), abs=1e-9)


def test_pointwise_against_a_slow_loop_and_blind_to_the_positive():
    score = torch.randn(11, 11, generator=torch.Generator().manual_seed(0))
    found = pointwise(score)
    expected = []
    for i in range(11):
        sides = []
        for others in (np.delete(score[i].numpy(), i), np.delete(score[:, i].numpy(), i)):
            e = np.exp(others.astype(float))
            sides.append(np.log(e.mean()) + 0.5 * (e.var() / e.mean() ** 2) / 10)
        expected.append(float(score[i, i]) - np.mean(sides))
    np.testing.assert_allclose(found.ratio_N, expected, atol=1e-5)
    assert found.infonce == pytest.approx(math.log(11) - float(symmetric_infonce(score).mean()), abs=1e-5)


def test_symmetric_infonce_is_the_papers_in_both_directions():
    score = torch.randn(7, 7, dtype=torch.float64)
    order = torch.tensor([[i, *[j for j in range(7) if j != i]] for i in range(7)])
    slow = (infonce(score.gather(1, order)) + infonce(score.t().gather(1, order))) / 2
    torch.testing.assert_close(symmetric_infonce(score), slow)


@pytest.mark.parametrize(
    ("x", "y", "word"),
    [
        (np.zeros(100), np.arange(100.0), "constant"),
        (np.arange(100.0), np.arange(99.0), "99"),
        (np.arange(49.0), np.arange(49.0), "49 samples"),
        (np.r_[np.nan, np.arange(99.0)], np.arange(100.0), "NaN"),
        (np.array(["a"] * 100), np.arange(100.0), "numbers"),
        (np.zeros((100, 2, 3)), np.arange(100.0), "shape"),
    ],
)
def test_bad_input_is_named(x, y, word):
    with pytest.raises(CPCError, match=word):
        torchcpc.mutual_information(x, y)


@pytest.mark.parametrize("wrong", [{"folds": 1}, {"batch": 1}, {"steps": 0}, {"width": 0}, {"layers": 0}, {"product": 0}])
def test_sizes_that_train_nothing_are_named(wrong):
    with pytest.raises(CPCError, match=f"{next(iter(wrong))} = "):
        CriticSettings(**wrong)
    with pytest.raises(CPCError, match="most = 49"):
        torchcpc.mutual_information(np.arange(100.0), np.arange(100.0), most=49)


def test_odd_input_is_measured_and_told():
    rng = np.random.default_rng(0)
    code = rng.integers(0, 2, 307)
    x = np.stack([code, np.full(307, 5)], axis=1)
    found = torchcpc.mutual_information(x, code + 0.001 * rng.standard_normal(307), most=211, critic=CriticSettings(steps=25))
    said = " ".join(found.detail["warnings"])
    assert all(word in said for word in ("only 307", "211", "constant columns [1]", "discrete")) and found.n == 211


def test_more_columns_than_rows_is_no_information():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((61, 97))
    found = torchcpc.mutual_information(x, rng.standard_normal((61, 2)), critic=CriticSettings(steps=25))
    assert found.value == found.low == 0 < found.high
    assert "too few samples for 97 and 2 columns" in " ".join(found.detail["warnings"])


def test_independent_codes_leave_room_above_zero():
    rng = np.random.default_rng(1)
    found = torchcpc.mutual_information(rng.integers(0, 3, 2003), rng.integers(0, 3, 2003), critic=CriticSettings(steps=25))
    assert found.low == 0 <= found.value < 0.02 and found.high >= stats.chi2.ppf(0.975, 1) / (2 * 2003)


def test_a_function_of_the_other_side_is_told():
    x = np.random.default_rng(2).standard_normal((1009, 3))
    found = torchcpc.mutual_information(x, x @ np.diag([1.0, 2.0, 3.0]), critic=CriticSettings(steps=25))
    assert found.value > found.detail["ceiling"] >= found.detail["lower_bound"]
    assert "function of the other" in " ".join(found.detail["warnings"])


@pytest.mark.parametrize("nu", [3.0, np.inf])
def test_folds_that_see_different_ranks_are_cut_to_one_size(nu):
    """Two columns that differ in two rows only: to the fold that does not train on those they are one."""
    rng = np.random.default_rng(3)
    x = np.hstack([rng.standard_normal((211, 1)) @ np.ones((1, 2)), rng.standard_normal((211, 1))])
    parts = folds_of(211, 3, rng)
    x[parts[0].test[:2], 1] = x[parts[0].test[1::-1], 1]
    normal = margins(x, np.inf)
    assert [fit_copula(normal[part.train], normal[part.train], np.inf).to_u.shape[1] for part in parts] == [2, 3, 3]
    inputs, copulas = inputs_of(x, x[:, :1] + rng.standard_normal((211, 1)), parts, nu)
    assert [copula.to_u.shape for copula in copulas] == [(3, 2)] * 3
    assert [column.shape[2] for column in inputs] == [2, 5, 1, 3]


def test_strong_dependence_is_not_read_off_a_rough_partition():
    """Five pairs of correlation 0.9: most rows have a handful of effective competitors, whose log partition is far too low. The
    witness is the mean exact log ratio of the very rows."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2003, 5))
    y = 0.9 * x + math.sqrt(0.19) * rng.standard_normal((2003, 5))
    exact = -2.5 * math.log(0.19) + ((y**2).sum(1) / 2 - ((y - 0.9 * x) ** 2).sum(1) / (2 * 0.19)).mean()
    found = torchcpc.mutual_information(x, y, critic=CriticSettings(steps=1))
    assert found.value == pytest.approx(exact, abs=0.03) and found.low < -2.5 * math.log(0.19) < found.high
