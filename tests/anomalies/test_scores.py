"""Scores of rows, thresholds and their agreement with labels: loops and scikit-learn as witnesses."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from torchcpc.anomalies.scores import detection, relative, smoothed, surprise, z_score
from torchcpc.contracts import CPCError
from torchcpc.information.scoring import Scored


def test_surprise_of_a_row_is_the_mean_over_the_contexts_that_reach_it() -> None:
    rng = np.random.default_rng(0)
    horizons, steps, stride, rows = (1, 3), 7, 2, 15
    pmi = {k: rng.normal(size=steps - k) for k in horizons}
    none = np.zeros(0)
    scored = [Scored(-1, i, np.arange(steps - k), pmi[k], none, none, none, none) for i, k in enumerate(horizons)]
    found = surprise(scored, horizons, steps=steps, stride=stride, rows=rows)
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


def test_detection_against_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    labels = [rng.random(n) < 0.3 for n in (211, 101, 157)]
    scores = [rng.normal(size=len(label)) + label for label in labels]
    scores[1][:13] = np.nan
    found = detection(scores, labels, 0.7)
    y = np.concatenate([label[np.isfinite(s)] for s, label in zip(scores, labels, strict=True)])
    s = np.concatenate([s[np.isfinite(s)] for s in scores])
    assert (found.rows, found.anomalous) == (456, y.sum())
    assert found.f1.mean == pytest.approx(f1_score(y, s > 0.7))
    assert found.false_alarms.mean == pytest.approx(np.mean(s[~y] > 0.7))
    assert found.recall.mean == pytest.approx(np.mean(s[y] > 0.7)) and found.precision.mean == pytest.approx(
        np.mean(y[s > 0.7])
    )
    assert found.auroc.mean == pytest.approx(roc_auc_score(y, s)) and found.auprc.mean == pytest.approx(
        average_precision_score(y, s)
    )
    for each in (found.f1, found.precision, found.recall, found.false_alarms, found.auroc, found.auprc):
        assert 0 <= each.low < each.mean < each.high <= 1


@pytest.mark.parametrize("label", [False, True])
def test_one_kind_of_rows_alone_is_refused(label: bool) -> None:
    with pytest.raises(CPCError, match="both kinds are needed"):
        detection([np.arange(5.0)], [np.full(5, label)], 0.0)
