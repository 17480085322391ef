"""Peaks by prominence, thresholds with and without labels, and change points of a known process found by its exact surprise."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.signal import find_peaks

from torchcpc.contracts import CPCError
from torchcpc.data.synthetic.hidden_markov import Clouds, HiddenMarkov, symmetric
from torchcpc.representations.embed import SourceSteps
from torchcpc.scores.calibration import Sample
from torchcpc.segmentation.boundaries import SegmentSpec
from torchcpc.segmentation.curves import (
    Curve,
    StepTimes,
    dissimilarity,
    find,
    surprise_curve,
    threshold_by_labels,
    threshold_by_quantile,
    threshold_by_rate,
)
from torchcpc.segmentation.matching import Quality, Truth, count


class Straight:
    """W_k c for k = 1 and 4, as a loop would have it."""

    horizons = (1, 4)

    def __init__(self, weight_KDC: torch.Tensor) -> None:
        self.weight_KDC = weight_KDC

    def __call__(self, c_BTC: torch.Tensor) -> torch.Tensor:
        return torch.stack([c_BTC @ weight_DC.T for weight_DC in self.weight_KDC], dim=2)


def curve(value_P: np.ndarray) -> Curve:
    return Curve(value_P, np.arange(len(value_P)) * 0.01)


def noise(seed: int, count: int = 307) -> Curve:
    return curve(np.random.default_rng(seed).normal(size=count))


@pytest.mark.parametrize("threshold", [0.0, 0.7, 1.9])
def test_a_threshold_on_prominences_is_scipys(threshold: float) -> None:
    expected, _ = find_peaks(noise(1).value_P, prominence=threshold)
    kept = find(noise(1)).above(threshold)
    assert kept.place.tolist() == expected.tolist()
    np.testing.assert_array_equal(kept.time_s, expected * 0.01)
    np.testing.assert_array_equal(kept.height, noise(1).value_P[expected])


def test_thresholds_without_labels_keep_what_they_promise() -> None:
    peaks = [find(noise(seed)) for seed in range(3)]
    total = sum(len(p.place) for p in peaks)
    kept = lambda threshold: sum(len(p.above(threshold).place) for p in peaks)  # noqa: E731
    assert abs(kept(threshold_by_quantile(peaks, 0.75)) - total / 4) <= 1
    assert kept(threshold_by_rate(peaks, 10.0, 5.0)) == 50
    assert kept(threshold_by_rate(peaks, 10.0, 1e6)) == total
    with pytest.raises(CPCError, match="no curve has a local maximum"):
        threshold_by_quantile([find(curve(np.arange(5.0)))], 0.5)


def test_a_specification_outside_its_rules_is_refused() -> None:
    for wrong in ({"curve": "magic"}, {"lag": 0}, {"rate": 0.0}, {"peak_quantile": 1.0}, {"tolerance_s": -1.0}, {"samples": 0}):
        ((name, value),) = wrong.items()
        with pytest.raises(CPCError, match=f"{name} = {value!r}"):
            SegmentSpec(**wrong)


def test_which_rule_chooses_the_threshold() -> None:
    peaks = [find(noise(seed)) for seed in range(3)]
    assert SegmentSpec(prominence=0.3, rate=2.0).threshold(peaks, 10.0) == 0.3
    assert SegmentSpec(rate=2.0).threshold(peaks, 10.0) == threshold_by_rate(peaks, 10.0, 2.0)
    assert SegmentSpec(peak_quantile=0.9).threshold(peaks, 10.0) == threshold_by_quantile(peaks, 0.9)
    # The usual rate of a domain, unless the user names a rule; a quantile where no rate is usual.
    assert SegmentSpec().threshold(peaks, 10.0, 3.0) == threshold_by_rate(peaks, 10.0, 3.0)
    assert SegmentSpec(rate=2.0).threshold(peaks, 10.0, 3.0) == threshold_by_rate(peaks, 10.0, 2.0)
    assert SegmentSpec(peak_quantile=0.9).threshold(peaks, 10.0, 3.0) == threshold_by_quantile(peaks, 0.9)
    assert SegmentSpec().threshold(peaks, 10.0) == threshold_by_quantile(peaks, 0.75)


@pytest.mark.parametrize("usual_rate", [None, 10.0])
def test_without_labels_weak_bumps_in_noise_are_found_better_than_by_even_spacing(usual_rate: float | None) -> None:
    rng, seconds = np.random.default_rng(5), 101.0
    true_s = np.cumsum(rng.gamma(4, 0.11 / 4, 2000))
    truth = Truth(true_s[true_s < seconds], np.array([[0.0, seconds]]))
    time_s = np.arange(0, seconds, 0.01)
    bumps = np.exp(-(((time_s[:, None] - truth.true_s) / 0.02) ** 2) / 2).sum(axis=1)
    peaks = find(Curve(bumps + rng.normal(0, 0.3, len(time_s)), time_s))

    def r_value(found_s: np.ndarray) -> float:
        return Quality.of(count(found_s, truth)).r_value

    rule = SegmentSpec().threshold([peaks], seconds, usual_rate)
    even = r_value(np.arange(0, seconds, seconds / len(truth.true_s)))
    assert r_value(peaks.above(rule).time_s) > even + 0.1 and r_value(peaks.time_s) < 0 < even


def test_the_labelled_threshold_has_the_best_r_value() -> None:
    """Planted peaks of height 3 in noise of height below 1: the chosen threshold keeps just those."""
    rng = np.random.default_rng(0)
    value = rng.uniform(0, 1, 401)
    places = np.arange(20, 400, 17)
    value[places] += 3
    truth = Truth(places * 0.01, np.array([[0.0, 4.0]]))
    threshold = threshold_by_labels([find(curve(value))], [truth], tolerance_s=0.0)
    assert find(curve(value)).above(threshold).place.tolist() == places.tolist()


def test_curves_stand_between_the_steps() -> None:
    x_TD = np.random.default_rng(0).normal(size=(11, 3))
    found = dissimilarity(x_TD, StepTimes(0.01, 0.005), metric="euclidean", lag=2)
    np.testing.assert_allclose(found.time_P, 0.015 + 0.01 * np.arange(9))
    np.testing.assert_allclose(found.value_P, [np.sqrt(((x_TD[t] - x_TD[t + 2]) ** 2).sum()) for t in range(9)])
    cosine = dissimilarity(x_TD, StepTimes(1.0, 0.0), metric="cosine")
    expected = [1 - x @ y / np.sqrt(x @ x * (y @ y)) for x, y in pairwise(x_TD)]
    np.testing.assert_allclose(cosine.value_P, expected)
    assert len(dissimilarity(x_TD[:1], StepTimes(1.0, 0.0), metric="dot").value_P) == 0
    # The paper's encoder: 465 samples of which the last is the 160th; their centre lies 72.5 samples before the beginning.
    assert StepTimes.of(SimpleNamespace(stride=160, receptive_field=465), 16000).centre_s == pytest.approx(-72.5 / 16000)


def test_surprise_is_minus_pmi() -> None:
    """Against the score and the log of the mean exponential, written out, without correction."""
    torch.manual_seed(0)
    weight_KDC, z_TD, c_TC, z_MD = torch.randn(2, 3, 5), torch.randn(13, 3), torch.randn(13, 5), torch.randn(17, 3)
    model = SimpleNamespace(predictor=Straight(weight_KDC))
    sample = Sample(z_MD, torch.arange(17), torch.zeros(17, dtype=torch.int64), marginal="all", correction="none")
    found = surprise_curve(model, sample, SourceSteps(99, 0, z_TD, c_TC), StepTimes(0.01, 0.0), index=1)
    for t in range(13 - 4):
        p_D = weight_KDC[1] @ c_TC[t]
        expected = (z_MD @ p_D).exp().mean().log() - z_TD[t + 4] @ p_D
        assert found.value_P[t] == pytest.approx(expected.item(), abs=1e-4)
        assert found.time_P[t] == pytest.approx(0.01 * (t + 2))


def test_change_points_of_a_known_process_are_found() -> None:
    """Regimes of a hidden chain, seen through well-separated clouds, known from how they were drawn: the exact surprise peaks at each.

    A regime that lasts one step is no peak of its own, so the regimes are planted to last at least three.
    """
    rng = np.random.default_rng(0)
    means = np.array([[0.0, 6.0], [5.2, -3.0], [-5.2, -3.0]])
    process = HiddenMarkov(symmetric(3, 0.05), Clouds(means))
    state_T = np.repeat(np.cumsum(rng.integers(1, 3, 60)) % 3, rng.integers(3, 40, 60))
    x_1TD = process.emission.draw(state_T[None], rng)
    surprise_P = -process.log_ratio(x_1TD[:, 1:], process.belief(x_1TD)[:, :-1], 1)[0]
    planted = np.flatnonzero(np.diff(state_T)) + 0.5
    peaks = find(Curve(surprise_P, np.arange(len(surprise_P)) + 0.5))
    truth = Truth(planted, np.array([[0.0, float(len(state_T))]]))
    # A change costs log(flip / (S - 1)) instead of log(1 - flip), 3.6 nats: half of that tells the two apart.
    quality = Quality.of(count(peaks.above(np.log(0.95 / 0.025) / 2).time_s, truth, 0.0))
    assert quality.recall > 0.97 and quality.precision > 0.97
    # And the rule that is told only how many changes there are finds the same.
    by_rate = threshold_by_rate([peaks], len(state_T), len(planted) / len(state_T))
    assert Quality.of(count(peaks.above(by_rate).time_s, truth, 0.0)).f1 > 0.97
    moved = np.random.default_rng(1).permutation(surprise_P)
    lost = find(Curve(moved, np.arange(len(moved)) + 0.5))
    assert Quality.of(count(lost.above(np.log(0.95 / 0.025) / 2).time_s, truth, 0.0)).f1 < 0.2
