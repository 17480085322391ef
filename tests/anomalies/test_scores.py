"""Scores of rows against loops."""

import numpy as np
import pytest

from torchcpc.anomalies.scores import relative, row_surprise, smoothed, z_score
from torchcpc.contracts import CPCError
from torchcpc.information.scoring import Scored, pmi_by_target


def test_surprise_of_a_row_is_the_mean_over_the_contexts_that_reach_it() -> None:
    rng = np.random.default_rng(0)
    horizons, steps, stride, rows = (1, 3), 7, 2, 15
    pmi = {k: rng.normal(size=steps - k) for k in horizons}
    none = np.zeros(0)
    scored = [Scored(-1, i, np.arange(steps - k), pmi[k], none, none, none, none) for i, k in enumerate(horizons)]
    found = row_surprise(pmi_by_target(scored, horizons, steps), stride=stride, rows=rows)
    for row in range(rows):
        t = row // stride
        values = [-pmi[k][t - k] for k in horizons if 0 <= t - k < steps - k and t < steps]
        assert np.isnan(found[row]) if not values else found[row] == pytest.approx(np.mean(values))


def test_z_score_is_over_the_observed_channels() -> None:
    x = np.array([[1.0, 5.0], [np.nan, 9.0], [np.nan, np.nan]])
    found = z_score(x, [0.0, 5.0], [1.0, 2.0])
    np.testing.assert_allclose(found, [np.sqrt(0.5), 2.0, np.nan])


def test_smoothing_looks_back_and_skips_what_is_unknown() -> None:
    score = np.random.default_rng(1).normal(size=23)
    score[[0, 7, 8]] = np.nan
    found = smoothed(score, 5)
    for row in range(23):
        expected = np.nanmean(score[max(0, row - 4) : row + 1]) if np.isfinite(score[row]) else np.nan
        np.testing.assert_allclose(found[row], expected)
    later = score.copy()
    later[12:] += 100
    np.testing.assert_array_equal(smoothed(later, 5)[:12], found[:12])


def test_relative_to_the_beginning() -> None:
    score = np.array([1.0, 3.0, np.nan, 2.0, 12.0])
    found = relative(score, 3)
    np.testing.assert_allclose(found, [-1, 1, np.nan, 0, 10])
    with pytest.raises(CPCError, match="1 scores in the first 1 rows"):
        relative(score, 1)
