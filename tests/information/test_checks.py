"""The checks of calibrated scores, on exact log ratios of Gaussian pairs and on planted faults."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.truth.gaussian import information
from torchcpc.information.checks import check_calibration, logistic, worst


def product_pairs(rho: float, scale: float = 1.0, gauge: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Joint and product log ratios of Gaussian pairs, times `scale` plus `gauge`, and their contexts."""
    rng = np.random.default_rng(16)
    c_A, noise_A, x_M = rng.standard_normal(2003), rng.standard_normal(2003), rng.standard_normal(307)

    def ratio(x: np.ndarray, c: np.ndarray) -> np.ndarray:
        return scale * (information(rho, 1) - (x - rho * c) ** 2 / (2 * (1 - rho**2)) + x**2 / 2) + gauge

    return ratio(rho * c_A + math.sqrt(1 - rho**2) * noise_A, c_A), ratio(x_M, c_A[:, None]), c_A


def test_checks_pass_the_exact_ratio_and_fail_others() -> None:
    good = check_calibration(*product_pairs(0.6))
    assert good.normalisation == pytest.approx(1, abs=0.03) and len(good.by_bin) == 5
    assert all(abs(share - 1) < 0.3 for share in good.by_bin)
    assert good.slope == pytest.approx(1, abs=0.08) and good.intercept == pytest.approx(0, abs=0.04)
    assert all(abs(stated - observed) < 0.05 for stated, observed, _ in good.reliability) and worst([good]) is None
    steep = check_calibration(*product_pairs(0.6, scale=2.0))
    assert steep.slope == pytest.approx(good.slope / 2, rel=1e-6) and "E exp PMI" in (worst([steep]) or "")
    shifted = check_calibration(*product_pairs(0.6, gauge=0.5))
    assert shifted.normalisation == pytest.approx(good.normalisation * math.exp(0.5))
    assert shifted.intercept == pytest.approx(good.intercept - 0.5 * good.slope, abs=1e-6)
    flat = check_calibration(*product_pairs(0.6, scale=0.5, gauge=0.0))
    assert "logistic slope is" in (worst([flat]) or "E exp")


def test_the_weighted_residuals_are_orthogonal_to_pmi_and_to_one() -> None:
    rng = np.random.default_rng(0)
    joint_A, product_P, weight_P = rng.normal(0.7, 1.3, 211), rng.normal(-0.4, 0.9, 997), rng.uniform(0.1, 3, 997)
    slope, intercept = logistic(joint_A, product_P, weight_P)
    joint = 1 / (1 + np.exp(-slope * joint_A - intercept)) - 1
    product = 1 / (1 + np.exp(-slope * product_P - intercept))
    share_P = weight_P / weight_P.sum()
    assert joint.mean() + share_P @ product == pytest.approx(0, abs=1e-8)
    assert (joint * joint_A).mean() + share_P @ (product * product_P) == pytest.approx(0, abs=1e-8)


def test_a_constant_score_has_slope_0_and_separable_ones_a_finite_slope() -> None:
    assert logistic(np.full(5, 0.3), np.full(7, 0.3), np.ones(7)) == (0.0, 0.0)
    slope, intercept = logistic(np.array([1.0, 2.0]), np.array([-1.0, -2.0, -3.0]), np.ones(3))
    assert slope > 1 and np.isfinite([slope, intercept]).all()
