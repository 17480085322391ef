"""A score per row of a series: the surprise of the model, or the z-score of the values. Also how a score agrees with
labelled rows.

The surprise of a step is the mean over k of -PMI_k(x_t, c_{t-k}), in nats. It says how much less likely the past
makes the step than it is anyway. It is high where the past did not announce what happens. A strange state that lasts
becomes the past, so it is surprising only at its ends. For the z-score the opposite holds. Both are smoothed in the
same way.
"""

from collections.abc import Sequence

import numpy as np

from torchcpc.anomalies.result import Detection
from torchcpc.contracts import CPCError
from torchcpc.results import Interval
from torchcpc.statistics.intervals import Spread, blocks_of, sum_blocks


def row_surprise(pmi_KT: np.ndarray, *, stride: int, rows: int) -> np.ndarray:
    """Return the surprise of each row in nats, [rows]. It is the mean of -PMI over the k that predict its step. NaN
    where none does.

    Args:
        pmi_KT: PMI from `pmi_by_target`.
        stride: Rows per step.
        rows: The number of rows.
    """
    known_KT = np.isfinite(pmi_KT)
    total_T, count_T = np.where(known_KT, pmi_KT, 0.0).sum(axis=0), known_KT.sum(axis=0)
    step_T = np.divide(-total_T, count_T, out=np.full(len(total_T), np.nan), where=count_T > 0)
    row_S = np.full(rows, np.nan)
    row_S[: len(step_T) * stride] = np.repeat(step_T, stride)
    return row_S


def z_score(x_SF: np.ndarray, mean_F: Sequence[float], scale_F: Sequence[float]) -> np.ndarray:
    """Return the root mean square of (x - mean) / scale over the observed channels, [rows]. NaN where nothing was observed."""
    z_SF = (x_SF - np.asarray(mean_F)) / np.asarray(scale_F)
    seen_S = np.isfinite(z_SF).sum(axis=1)
    sum_S = np.square(np.where(np.isfinite(z_SF), z_SF, 0)).sum(axis=1)
    return np.sqrt(np.divide(sum_S, seen_S, out=np.full(len(z_SF), np.nan), where=seen_S > 0))


def smoothed(score_S: np.ndarray, rows: int) -> np.ndarray:
    """Return the mean of the last `rows` known scores up to each row. NaN stays NaN.

    It looks back only, so an alarm never comes before its reason.
    """
    known = np.isfinite(score_S)
    total, count = np.cumsum(np.where(known, score_S, 0.0)), np.cumsum(known)
    total[rows:], count[rows:] = total[rows:] - total[:-rows], count[rows:] - count[:-rows]
    return np.where(known, total / np.maximum(count, 1), np.nan)


def relative(score_S: np.ndarray, reference: int) -> np.ndarray:
    """Return the score in standard deviations from the mean of the first `reference` rows, which are taken to be normal.

    Raises:
        CPCError: If these rows have fewer than two scores, or all are equal.
    """
    own = score_S[:reference]
    own = own[np.isfinite(own)]
    if len(own) < 2 or own.std() == 0:
        raise CPCError(f"{len(own)} scores in the first {reference} rows do not show what is normal. Take a longer reference.")
    return (score_S - own.mean()) / own.std()


def compare_with_labels(scores: Sequence[np.ndarray], labels: Sequence[np.ndarray], threshold: float) -> Detection:
    """Compare the alarms of all sources with labels.

    An alarm is a score above the threshold. Rows without a score are left out.

    Args:
        scores: The score of each row of each source.
        labels: Whether each row is anomalous.
        threshold: The threshold.

    Raises:
        CPCError: If all rows are of one kind.
    """
    known = [np.isfinite(score) for score in scores]
    scores = [score[k] for score, k in zip(scores, known, strict=True)]
    truth = [np.asarray(label)[k].astype(bool) for label, k in zip(labels, known, strict=True)]
    true_N, score_N, lengths = np.concatenate(truth), np.concatenate(scores), [len(own) for own in truth]
    rows, anomalous = len(true_N), int(true_N.sum())
    if not 0 < anomalous < rows:
        raise CPCError(f"{anomalous} of {rows} labelled rows are anomalous: both kinds are needed to tell them apart.")
    source_N = np.repeat(np.arange(len(truth)), lengths)
    alarm_N = score_N > threshold
    kinds = (alarm_N & true_N, alarm_N & ~true_N, ~alarm_N & true_N, ~alarm_N & ~true_N)
    count_S4 = np.stack([np.bincount(source_N, kind, minlength=len(truth)) for kind in kinds], axis=1)
    count_B4, block_N = sum_blocks(count_S4, axis=0), blocks_of(len(truth))[source_N]
    # Counts of all sources, then without each block of them in turn.
    hit, false, missed, quiet = np.concatenate([count_S4.sum(axis=0)[None], count_S4.sum(axis=0) - count_B4]).T
    left = [block_N != block for block in range(len(count_B4))]
    ranked_2 = [_ranked(true_N, score_N), *(_ranked(true_N[own], score_N[own]) for own in left)]
    auroc, auprc = (_interval(np.array(values)) for values in zip(*ranked_2, strict=True))

    def share(part: np.ndarray, whole: np.ndarray) -> Interval:
        return _interval(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0))

    f1, false_alarms = share(2 * hit, 2 * hit + false + missed), share(false, false + quiet)
    return Detection(f1, share(hit, hit + false), share(hit, hit + missed), false_alarms, auroc, auprc, rows, anomalous)


def _ranked(y: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """Return AUROC and AUPRC. Both are NaN if all rows are of one kind."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    if y.all() or not y.any():
        return np.nan, np.nan
    return float(roc_auc_score(y, score)), float(average_precision_score(y, score))


def _interval(values: np.ndarray) -> Interval:
    """Return the first value, with its interval from the values without each block of sources in turn."""
    return Spread(float(values[0]), values[1:][np.isfinite(values[1:])]).interval(0.0, 1.0)
