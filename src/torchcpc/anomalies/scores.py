"""Anomalies in series: a score per row, a threshold that no label chose, and how well both agree with labelled rows.

The surprise of a step is the mean over k of -PMI_k(x_t, c_{t-k}) in nats: how much less likely the past makes what happened than it
is anyway. It rises where something happens that the past did not announce; a state that is odd but lasts becomes the past, and
is surprising only at its ends. The z-score of the values sees the opposite. Both go through the same smoothing and thresholds here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from torchcpc.contracts import CPCError
from torchcpc.information.scoring import Scored
from torchcpc.statistics.intervals import Interval, percentiles, weights


def surprise(scored: Sequence[Scored], horizons: Sequence[int], *, steps: int, stride: int, rows: int) -> np.ndarray:
    """[rows] nats, the mean of -PMI over the k that reach the row's step from within the source; NaN where none does."""
    total_T, count_T = np.zeros(steps), np.zeros(steps)
    for pairs in scored:
        target = pairs.step + horizons[pairs.horizon]
        total_T[target] -= pairs.pmi
        count_T[target] += 1
    step_T = np.divide(total_T, count_T, out=np.full(steps, np.nan), where=count_T > 0)
    row_S = np.full(rows, np.nan)
    row_S[: steps * stride] = np.repeat(step_T, stride)
    return row_S


def z_score(x_SF: np.ndarray, mean_F: Sequence[float], scale_F: Sequence[float]) -> np.ndarray:
    """[rows] root mean square over the observed channels of (x - mean) / scale; NaN where nothing was observed."""
    z_SF = (x_SF - np.asarray(mean_F)) / np.asarray(scale_F)
    seen_S = np.isfinite(z_SF).sum(axis=1)
    sum_S = np.where(np.isfinite(z_SF), z_SF, 0).__pow__(2).sum(axis=1)
    return np.sqrt(np.divide(sum_S, seen_S, out=np.full(len(z_SF), np.nan), where=seen_S > 0))


def smoothed(score_S: np.ndarray, rows: int) -> np.ndarray:
    """The mean of the last `rows` known scores up to each row, so that an alarm never comes before its reason; NaN stays NaN."""
    known = np.isfinite(score_S)
    total, count = np.cumsum(np.where(known, score_S, 0.0)), np.cumsum(known)
    total[rows:], count[rows:] = total[rows:] - total[:-rows], count[rows:] - count[:-rows]
    return np.where(known, total / np.maximum(count, 1), np.nan)


def relative(score_S: np.ndarray, reference: int) -> np.ndarray:
    """Less the mean, over the standard deviation, of the source's own first `reference` rows, taken to be normal."""
    own = score_S[:reference]
    own = own[np.isfinite(own)]
    if len(own) < 2 or own.std() == 0:
        raise CPCError(f"{len(own)} scores in the first {reference} rows do not tell what is normal. Take a longer reference.")
    return (score_S - own.mean()) / own.std()


@dataclass(frozen=True, slots=True)
class Detection:
    """How alarms agree with labels, row by row (no point adjustment), all shares: intervals by source. false_alarms: alarms among
    normal rows; auroc, auprc: of the score itself, whatever the threshold."""

    threshold: float
    f1: Interval
    precision: Interval
    recall: Interval
    false_alarms: Interval
    auroc: Interval
    auprc: Interval
    rows: int
    anomalous: int


def detection(
    scores: Sequence[np.ndarray], labels: Sequence[np.ndarray], threshold: float, *, resamples: int = 300, level: float = 0.95
) -> Detection:
    """Scores and labels (true: anomalous) of the rows of each source; rows without a score are left out. An alarm is a score above
    `threshold`. Raises CPCError where there is nothing to tell apart."""
    known = [np.isfinite(score) for score in scores]
    scores = [score[k] for score, k in zip(scores, known, strict=True)]
    truth = [np.asarray(label)[k].astype(bool) for label, k in zip(labels, known, strict=True)]
    rows, anomalous = sum(map(len, truth)), int(sum(t.sum() for t in truth))
    if not 0 < anomalous < rows:
        raise CPCError(f"{anomalous} of {rows} labelled rows are anomalous: both kinds are needed to tell them apart.")
    counts_S4 = np.array(
        [
            [(a & t).sum(), (a & ~t).sum(), (~a & t).sum(), (~a & ~t).sum()]
            for a, t in ((s > threshold, t) for s, t in zip(scores, truth, strict=True))
        ],
        float,
    )
    weight_QS = weights(len(scores), axis=0, resamples=resamples, level=level, seed=0).clip(0)
    count_Q4 = weight_QS @ counts_S4
    all_y, all_score = np.concatenate(truth), np.concatenate(scores)
    ranked_Q = np.array([_ranked(truth, scores, weight_S) for weight_S in weight_QS])

    def interval(formula: Callable[[np.ndarray], np.ndarray]) -> Interval:
        return _interval(float(formula(counts_S4.sum(axis=0))), formula(count_Q4), level)

    return Detection(
        threshold,
        f1=interval(lambda c: _share(2 * c[..., 0], 2 * c[..., 0] + c[..., 1] + c[..., 2])),
        precision=interval(lambda c: _share(c[..., 0], c[..., 0] + c[..., 1])),
        recall=interval(lambda c: _share(c[..., 0], c[..., 0] + c[..., 2])),
        false_alarms=interval(lambda c: _share(c[..., 1], c[..., 1] + c[..., 3])),
        auroc=_interval(float(roc_auc_score(all_y, all_score)), ranked_Q[:, 0], level),
        auprc=_interval(float(average_precision_score(all_y, all_score)), ranked_Q[:, 1], level),
        rows=rows,
        anomalous=anomalous,
    )


def _ranked(truth: Sequence[np.ndarray], scores: Sequence[np.ndarray], weight_S: np.ndarray) -> tuple[float, float]:
    weight = np.repeat(weight_S, [len(t) for t in truth])
    y, score = np.concatenate(truth)[weight > 0], np.concatenate(scores)[weight > 0]
    weight = weight[weight > 0]
    if y.all() or not y.any():
        return np.nan, np.nan
    return float(roc_auc_score(y, score, sample_weight=weight)), float(average_precision_score(y, score, sample_weight=weight))


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _interval(value: float, value_Q: np.ndarray, level: float) -> Interval:
    low, high = percentiles(value_Q[np.isfinite(value_Q)], level)
    return Interval(value, max(low, 0.0), min(high, 1.0))
