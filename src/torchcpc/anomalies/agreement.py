"""How alarms and scores agree with labelled rows, with intervals by source."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from torchcpc.anomalies.result import Detection
from torchcpc.contracts import CPCError
from torchcpc.results import Interval
from torchcpc.statistics.intervals import percentiles, weights

_LEVEL = 0.95


def agreement(
    scores: Sequence[np.ndarray], labels: Sequence[np.ndarray], threshold: float, *, resamples: int = 300
) -> Detection:
    """Scores and labels (true: anomalous) of the rows of each source. An alarm is a score above `threshold`.

    Rows without a score are left out. Raises CPCError where all rows are of one kind.
    """
    known = [np.isfinite(score) for score in scores]
    scores = [score[k] for score, k in zip(scores, known, strict=True)]
    truth = [np.asarray(label)[k].astype(bool) for label, k in zip(labels, known, strict=True)]
    rows, anomalous = sum(map(len, truth)), int(sum(t.sum() for t in truth))
    if not 0 < anomalous < rows:
        raise CPCError(f"{anomalous} of {rows} labelled rows are anomalous: both kinds are needed to tell them apart.")
    alarms = [score > threshold for score in scores]
    counts_S4 = np.array(
        [[(a & t).sum(), (a & ~t).sum(), (~a & t).sum(), (~a & ~t).sum()] for a, t in zip(alarms, truth, strict=True)], float
    )
    weight_QS = weights(len(scores), axis=0, resamples=resamples, level=_LEVEL, seed=0).clip(0)
    count_Q4 = weight_QS @ counts_S4
    auroc, auprc = _ranked(np.concatenate(truth), np.concatenate(scores))
    ranked_Q2 = np.array([_resampled(truth, scores, weight_S) for weight_S in weight_QS])

    def share(part: Callable[[np.ndarray], np.ndarray], whole: Callable[[np.ndarray], np.ndarray]) -> Interval:
        """A share made of the four counts: hits, false alarms, misses, quiet normal rows."""
        value_1, value_Q = (_share(part(c), whole(c)) for c in (counts_S4.sum(axis=0)[:, None], count_Q4.T))
        return _interval(float(value_1[0]), value_Q)

    return Detection(
        f1=share(lambda c: 2 * c[0], lambda c: 2 * c[0] + c[1] + c[2]),
        precision=share(lambda c: c[0], lambda c: c[0] + c[1]),
        recall=share(lambda c: c[0], lambda c: c[0] + c[2]),
        false_alarms=share(lambda c: c[1], lambda c: c[1] + c[3]),
        auroc=_interval(auroc, ranked_Q2[:, 0]),
        auprc=_interval(auprc, ranked_Q2[:, 1]),
        rows=rows,
        anomalous=anomalous,
    )


def _ranked(y: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> tuple[float, float]:
    """AUROC and AUPRC; NaN where all rows are of one kind."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    if y.all() or not y.any():
        return np.nan, np.nan
    return float(roc_auc_score(y, score, sample_weight=weight)), float(average_precision_score(y, score, sample_weight=weight))


def _resampled(truth: Sequence[np.ndarray], scores: Sequence[np.ndarray], weight_S: np.ndarray) -> tuple[float, float]:
    weight = np.repeat(weight_S, [len(t) for t in truth])
    return _ranked(np.concatenate(truth)[weight > 0], np.concatenate(scores)[weight > 0], weight[weight > 0])


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _interval(value: float, value_Q: np.ndarray) -> Interval:
    low, high = percentiles(value_Q[np.isfinite(value_Q)], _LEVEL)
    return Interval(value, max(low, 0.0), min(high, 1.0))
