"""Share captured, slope and error beside a known truth, on scores whose faults are planted."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.information.trained import trained
from tests.truth.gaussian import exact_model
from torchcpc.data.arrays import Arrays
from torchcpc.data.synthetic import named, simulate
from torchcpc.information.checks import agreement, compare_with_truth, exact_ratios
from torchcpc.information.measure import measure_horizons
from torchcpc.information.scoring import SampleSpec, Scored, marginal

SOURCES, STEPS, PHI = 61, 23, 0.9


AR1 = named("ar1")


@pytest.fixture(scope="module")
def sources() -> Arrays:
    return simulate(process="ar1", sources=SOURCES, steps=STEPS)


def test_the_exact_ratio_of_every_pair_in_closed_form(sources: Arrays) -> None:
    for k in (1, 3):
        x, rho = sources.items[7].values[:, 0].astype(np.float64), PHI**k
        now, then, rest = x[:-k], x[k:], 1 - rho**2
        closed = -0.5 * math.log(rest) - (then - rho * now) ** 2 / (2 * rest) + then**2 / 2
        np.testing.assert_allclose(exact_ratios(AR1, sources, 7, k), closed, atol=1e-9)


def scored(pmi: list[np.ndarray], source: list[int]) -> list[Scored]:
    none = np.zeros(0)
    return [Scored(number, 0, none, pmi_A, none, none, none, none) for number, pmi_A in zip(source, pmi, strict=True)]


def test_planted_faults_are_found(sources: Arrays) -> None:
    """0.7 times the exact ratio captures 70 % at slope 0.7, however few the sources; a constant captures nothing of the slope."""
    which = list(range(11))
    exact = [exact_ratios(AR1, sources, source, 2) for source in which]
    short = compare_with_truth(AR1, sources, 2, scored([0.7 * ratio_A for ratio_A in exact], which), error=0.0)
    assert short.share is not None
    assert [short.share.mean, short.share.low, short.share.high, short.slope] == pytest.approx([0.7] * 4)
    assert short.rmse == pytest.approx(0.3 * np.sqrt(np.mean(np.concatenate(exact) ** 2)))
    assert short.information.mean == pytest.approx(-0.5 * math.log(1 - PHI**4))
    assert short.exact.mean == pytest.approx(np.concatenate(exact).mean())
    lifted = compare_with_truth(AR1, sources, 2, scored([ratio_A + 0.1 for ratio_A in exact], which), error=0.05)
    assert lifted.share is not None
    assert lifted.share.mean == pytest.approx(1 + 0.1 / short.exact.mean) and lifted.slope == pytest.approx(1)
    # The error of log Z reaches the share even where the pairs agree perfectly.
    assert lifted.share.high - lifted.share.mean >= 1.96 * 0.05 / short.exact.mean - 1e-9


def test_nothing_to_capture_has_no_share() -> None:
    """x_t alone says nothing of x_{t+1} where only x_{t-1} does: coins in place of the process."""
    coins = simulate(process="ar2-memory", sources=5, steps=2)
    found = compare_with_truth(named("ar2-memory"), coins, 1, scored([np.zeros(1)] * 3, [0, 1, 4]), error=0.0)
    assert found.share is None and math.isnan(found.slope) and found.rmse == pytest.approx(0)
    assert found.information.mean == pytest.approx(0.830, abs=1e-3)  # of the whole past, which two steps do not have


def test_agreement_finds_planted_faults() -> None:
    exact = np.random.default_rng(0).normal(size=997)
    assert agreement(exact, exact) == pytest.approx((1, 1, 0))
    slope, r2, rmse = agreement(0.8 * exact + 0.3, exact)
    assert (slope, r2) == pytest.approx((0.8, 1)) and rmse == pytest.approx(np.sqrt(np.mean((0.3 - 0.2 * exact) ** 2)))


def test_the_exact_model_captures_everything() -> None:
    """Up to the error of log Z: its mean square is about chi2 / sources = rho^2 / (1 - rho^2) / 500, which the slope, whose exact
    ratios have variance rho^2, feels at most in full."""
    sources = simulate(process="ar1", sources=1001, steps=5)
    model = exact_model(PHI, horizons=2).eval()
    sample = marginal(model, sources, list(range(500)), SampleSpec(2500))
    for row in measure_horizons(trained(model), sample, sources, list(range(500, 1001)), AR1)[0]:
        found, rho = row.truth, PHI**row.k
        assert found is not None and found.share is not None
        assert found.share.low < 1 < found.share.high < found.share.low + 0.25
        error = math.sqrt(rho**2 / (1 - rho**2) / 500)
        assert found.slope == pytest.approx(1, abs=error / rho) and found.rmse < 1.5 * error
