"""Calibrated scores against closed forms: Gaussian pairs whose exact bilinear score is moved by an arbitrary gauge g(c)."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.truth.gaussian import Quadratic, exact_model, information
from torchcpc.contexts import NoContext
from torchcpc.contracts import CPCError
from torchcpc.model import CPCModel
from torchcpc.scores import Amortised, Sample
from torchcpc.scores.calibration import CORRECTIONS
from torchcpc.statistics.intervals import mean_interval

HORIZONS = 3


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def features(x_M: Tensor) -> Tensor:
    return torch.stack([torch.ones_like(x_M), x_M, x_M**2], dim=-1)


def exact(phi: float, c_A: Tensor, *, horizons: int = HORIZONS) -> Tensor:
    """Predictions p_AKD whose dot product with (1, x, x^2) is the exact log ratio of an AR(1) process."""
    with torch.no_grad():
        return exact_model(phi, horizons=horizons).double().predictor(features(c_A).unsqueeze(0))[0]


def gauge(c_A: Tensor) -> Tensor:
    return 3 * torch.sin(2 * c_A) + 0.7 * c_A**2 - 1.3


def moved(p_AKD: Tensor, c_A: Tensor) -> Tensor:
    """The same scores plus g(c): the candidate's first feature is the constant 1."""
    p_AKD = p_AKD.clone()
    p_AKD[..., 0] += gauge(c_A)[:, None]
    return p_AKD


def sample(x_M: Tensor, **settings) -> Sample:
    return Sample(features(x_M), torch.arange(len(x_M)), torch.zeros(len(x_M), dtype=torch.int64), **settings)


@pytest.mark.parametrize("phi", [0.5, 0.9])
def test_an_arbitrary_gauge_is_taken_out(phi: float) -> None:
    """Slope, intercept and RMSE of PMI against the exact pointwise ratio, on pairs that the sample never saw."""
    c_A, noise_A = drawn(0, 997), drawn(1, 997)
    p_AKD = exact(phi, c_A)
    pmi_AK = torch.zeros(997, HORIZONS)
    truth_AK = torch.zeros(997, HORIZONS)
    log_z_AK = sample(drawn(2, 20011))(moved(p_AKD, c_A))
    for index in range(HORIZONS):
        k = index + 1
        x_A = phi**k * c_A + math.sqrt(1 - phi ** (2 * k)) * noise_A
        truth_AK[:, index] = (p_AKD[:, index] * features(x_A)).sum(-1)
        pmi_AK[:, index] = (moved(p_AKD, c_A)[:, index] * features(x_A)).sum(-1) - log_z_AK[:, index]
        slope, intercept = np.polyfit(truth_AK[:, index], pmi_AK[:, index], 1)
        rmse = (pmi_AK - truth_AK)[:, index].square().mean().sqrt()
        assert 0.95 < slope < 1.05 and abs(intercept) < 0.05 and rmse < 0.06, (k, slope, intercept, rmse)
        error = truth_AK[:, index].std() / math.sqrt(997)
        assert abs(pmi_AK[:, index].mean() - information(phi, k)) < 4 * error


def test_independence_gives_zero() -> None:
    """No coefficient on x: whatever the gauge, every PMI is 0 and so is every correction."""
    c_A = drawn(3, 31)
    p_AKD = moved(torch.zeros(31, 1, 3, dtype=torch.float64), c_A)
    found = sample(drawn(4, 101)).measure(p_AKD)
    torch.testing.assert_close(found.log_z[:, 0], gauge(c_A))
    torch.testing.assert_close(found.effective, torch.full((31, 1), 101.0, dtype=torch.float64))
    torch.testing.assert_close(found.pull_GK, torch.zeros(101, 1, dtype=torch.float64), atol=1e-12, rtol=0)


def test_corrections_shrink_the_bias_of_the_logarithm() -> None:
    """Mean over 2003 samples of M = 32 against one of 10^6: Jensen takes about chi2 / 2M from the plain one."""
    rho, at = 0.9, 1.5
    c = torch.tensor([at], dtype=torch.float64)
    p_1KD = moved(exact(rho, c, horizons=1), c)
    reference = (torch.logsumexp(features(drawn(5, 1_000_003)) @ p_1KD[0, 0], dim=0) - math.log(1_000_003)).item()
    assert abs(reference - gauge(c).item()) < 0.005  # E r = 1: the gauge is what is left
    x_RM = drawn(6, 2003, 32)
    bias = {}
    for name in CORRECTIONS:
        found_R = [sample(x_M, correction=name).measure(p_1KD) for x_M in x_RM]
        # Zhat / Z - 1 has mean 0 and most of the noise of log Zhat: taking it off leaves the bias.
        noise_R = [math.exp(found.plain.item() - reference) - 1 for found in found_R]
        bias[name] = np.mean([found.log_z.item() - reference for found in found_R]) - np.mean(noise_R)
    # chi2 + 1 = E r^2 under p(x), in closed form.
    chi2 = math.exp((rho * at) ** 2 / (1 + rho**2)) / math.sqrt(1 - rho**4) - 1
    assert bias["none"] == pytest.approx(-chi2 / 64, rel=0.4)
    assert abs(bias["delta"]) < 0.4 * abs(bias["none"]) and abs(bias["jackknife"]) < 0.4 * abs(bias["none"])


def test_delta_correction_is_bounded_where_one_sample_dominates() -> None:
    """The jackknife is not; this is why delta is the default."""
    z_MD = torch.zeros(17, 1, dtype=torch.float64)
    z_MD[3] = 200.0
    lift = {}
    for name in CORRECTIONS:
        held = Sample(z_MD, torch.arange(17), torch.zeros(17, dtype=torch.int64), correction=name)
        found = held.measure(torch.ones(1, 1, 1, dtype=torch.float64))
        lift[name] = (found.log_z - found.plain).item()
        assert found.effective.item() == pytest.approx(1.0)
    assert lift["none"] == 0 and lift["delta"] == pytest.approx(0.5) and lift["jackknife"] > 5


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_samples_of_a_single_source_are_not_corrected(correction: str) -> None:
    """One block tells nothing of a spread; the number stays finite and plain."""
    zeros = torch.zeros(23, dtype=torch.int64)
    found = Sample(features(drawn(22, 23)), zeros, zeros, correction=correction).measure(exact(0.7, drawn(23, 3)))
    torch.testing.assert_close(found.log_z, found.plain)


@pytest.mark.parametrize("marginal", ["all", "same_group"])
def test_against_a_loop_over_metadata(marginal: str) -> None:
    """Slow witness of who counts, log Z, the effective sample size and both corrections, for several steps per source."""
    M, A = 61, 7
    z_MD, p_AKD = drawn(7, M, 5), drawn(8, A, 2, 5)
    source_M, group_M = torch.arange(M) % 13, torch.arange(M) % 13 % 2
    source_A = torch.tensor([0, 1, 2, 3, 4, 5, 6])
    group_A = source_A % 2
    for correction in CORRECTIONS:
        held = Sample(z_MD, source_M, group_M, marginal=marginal, correction=correction)
        found = held.measure(p_AKD, source_A, group_A)
        for a in range(A):
            own = [m for m in range(M) if source_M[m] != source_A[a] and (marginal == "all" or group_M[m] == group_A[a])]
            blocks = sorted({int(source_M[m]) for m in own})
            for k in range(2):
                w = {m: math.exp(float(p_AKD[a, k] @ z_MD[m])) for m in own}
                total, plain = sum(w.values()), math.log(sum(w.values()) / len(own))
                if correction == "delta":
                    G = len(blocks)
                    parts = [
                        (sum(w[m] for m in own if source_M[m] == b) / total, sum(source_M[m] == b for m in own) / len(own))
                        for b in blocks
                    ]
                    expected = plain + 0.5 * G / (G - 1) * sum((share - part) ** 2 for share, part in parts)
                elif correction == "jackknife":
                    expected = len(blocks) * plain
                    for b in blocks:
                        left = [m for m in own if source_M[m] != b]
                        expected -= len(left) / len(own) * math.log(sum(w[m] for m in left) / len(left))
                else:
                    expected = plain
                assert found.log_z[a, k].item() == pytest.approx(expected)
                assert found.plain[a, k].item() == pytest.approx(plain) and found.drawn[a, k] == len(own)
                assert found.effective[a, k].item() == pytest.approx(total**2 / sum(v * v for v in w.values()))
                assert found.log_sum[a, k].item() == pytest.approx(math.log(total))


def test_the_positive_and_its_source_are_left_out() -> None:
    """With the positive among the samples PMI cannot pass log M; left out, a score of 50 nats is a score of 50 nats."""
    z_MD = torch.zeros(11, 1, dtype=torch.float64)
    z_MD[4] = 50.0
    held = Sample(z_MD, torch.arange(11), torch.zeros(11, dtype=torch.int64))
    p = torch.ones(1, 1, 1, dtype=torch.float64)
    assert held(p, torch.tensor([4])).item() == 0
    assert 50 - held(p).item() < math.log(11)


def test_same_group_divides_the_group_out() -> None:
    """x = group mean + noise and c names the group: all of I(x; c) is the group, and I(x; c | group) is 0."""
    group_M = torch.arange(4001) % 2
    x_M = drawn(9, 4001) + 4.0 * (2 * group_M - 1)
    z_MD = features(x_M)
    group_A = torch.tensor([0, 1])
    # log N(x; m, 1) - log N(x; 0, 1) + any constant: m x + gauge.
    p_AKD = torch.tensor([[[0.3, -4.0, 0.0]], [[-2.0, 4.0, 0.0]]], dtype=torch.float64)
    source_A = torch.tensor([-1, -1])
    alike = Sample(z_MD, torch.arange(4001), group_M, marginal="all")
    within = Sample(z_MD, torch.arange(4001), group_M, marginal="same_group")
    assert alike.estimand.name == "I(x; c)" and within.estimand.name == "I(x; c | group)"
    gap = within(p_AKD, source_A, group_A) - alike(p_AKD, source_A, group_A)
    # p(x) = half each; the other group's share of exp F is e^{-32 - ...}: log 2 between the two.
    torch.testing.assert_close(gap, torch.full((2, 1), math.log(2), dtype=torch.float64), atol=0.03, rtol=0)


def test_amortised_equals_direct() -> None:
    """On fresh contexts; log Z = g(c) is linear and quadratic in p, so a regression can be exact."""
    c_A, fresh_A = drawn(10, 701), drawn(11, 499)
    p_AKD = moved(exact(0.8, c_A), c_A)
    held = sample(drawn(12, 20011))
    small = Amortised(p_AKD, held(p_AKD), main=3)
    fresh_AKD = moved(exact(0.8, fresh_A), fresh_A)
    inside_A = fresh_A.abs() < 2
    torch.testing.assert_close(small(fresh_AKD)[inside_A], held(fresh_AKD)[inside_A], atol=0.05, rtol=0)
    error = (small(fresh_AKD)[:, 0] - gauge(fresh_A)).square().mean().sqrt()
    assert error < 0.05
    with pytest.raises(CPCError, match="5 contexts for 10 coefficients of log Z: give more contexts, or fewer main directions"):
        Amortised(p_AKD[:5], held(p_AKD[:5]), main=3)


def test_the_model_scores_candidates_in_nats() -> None:
    """score(context, candidates) is the exact ratio table [contexts, candidates, K], in any order of calls."""
    phi, c_A, x_N = 0.7, drawn(13, 5), drawn(14, 7)
    model = CPCModel(Quadratic(), NoContext(3), exact_model(phi, horizons=HORIZONS).predictor).double()
    with torch.no_grad():
        model.predictor.weight[:, 0, 0] += 1.7  # a gauge
        pmi_ANK = model.score(features(c_A), features(x_N), sample(drawn(15, 50021)))
    assert pmi_ANK.shape == (5, 7, HORIZONS)
    for a, n, index in [(0, 0, 0), (4, 2, 1), (1, 6, 2)]:
        m, v = phi ** (index + 1) * c_A[a], 1 - phi ** (2 * (index + 1))
        truth = -0.5 * math.log(v) - (x_N[n] - m) ** 2 / (2 * v) + x_N[n] ** 2 / 2
        assert pmi_ANK[a, n, index].item() == pytest.approx(truth.item(), abs=0.03)


def test_bad_requests_are_refused() -> None:
    x_M = drawn(20, 13)
    with pytest.raises(CPCError, match="7 marginal samples: log Z needs at least 8"):
        sample(x_M[:7])
    with pytest.raises(CPCError, match="marginal = 'speaker' is unknown. Choose one of all, same_group"):
        sample(x_M, marginal="speaker")
    with pytest.raises(CPCError, match="correction = 'bayes' is unknown. Choose one of none, delta, jackknife"):
        sample(x_M, correction="bayes")
    p_AKD = torch.zeros(1, 1, 3, dtype=torch.float64)
    with pytest.raises(CPCError, match="needs the group of every context"):
        sample(x_M, marginal="same_group")(p_AKD)
    with pytest.raises(CPCError, match="1 contexts have fewer than 8 marginal samples of group 5 from other sources"):
        sample(x_M, marginal="same_group")(p_AKD, torch.tensor([99]), torch.tensor([5]))


def test_interval_of_a_mean_over_one_axis_is_the_t_interval() -> None:
    """Sources with equally many rows: it is Student's t interval of the sources' means."""
    from scipy import stats

    mean_S = drawn(21, 17).numpy()
    found = mean_interval(5 * mean_S, np.full(17, 5.0))
    half = stats.t.ppf(0.975, 16) * mean_S.std(ddof=1) / math.sqrt(17)
    assert found.mean == pytest.approx(mean_S.mean())
    assert (found.low, found.high) == pytest.approx((mean_S.mean() - half, mean_S.mean() + half), abs=0.06 * half + 0.01)
    assert math.isnan(mean_interval(np.ones(1), np.ones(1)).low)
    with pytest.raises(CPCError, match="a mean over no rows"):
        mean_interval(np.zeros(2), np.zeros(2))
