"""A score per row of a series: the surprise of the model, and the z-score of the values.

The surprise of a step is the mean over k of -PMI_k(x_t, c_{t-k}) in nats. It says how much less likely the past makes what happened
than it is anyway. It rises where something happens that the past did not announce. A state that is odd but lasts becomes the past,
and is surprising only at its ends. The z-score sees the opposite. Both go through the same smoothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from torchcpc.contracts import CPCError


def surprise(pmi_KT: np.ndarray, *, stride: int, rows: int) -> np.ndarray:
    """[rows] nats: the mean of -PMI over the k that predict the row's step from within the source, NaN where none does.

    pmi_KT: from `pmi_by_target`.
    """
    known_KT = np.isfinite(pmi_KT)
    total_T, count_T = np.where(known_KT, pmi_KT, 0.0).sum(axis=0), known_KT.sum(axis=0)
    step_T = np.divide(-total_T, count_T, out=np.full(len(total_T), np.nan), where=count_T > 0)
    row_S = np.full(rows, np.nan)
    row_S[: len(step_T) * stride] = np.repeat(step_T, stride)
    return row_S


def z_score(x_SF: np.ndarray, mean_F: Sequence[float], scale_F: Sequence[float]) -> np.ndarray:
    """[rows] root mean square over the observed channels of (x - mean) / scale; NaN where nothing was observed."""
    z_SF = (x_SF - np.asarray(mean_F)) / np.asarray(scale_F)
    seen_S = np.isfinite(z_SF).sum(axis=1)
    sum_S = np.square(np.where(np.isfinite(z_SF), z_SF, 0)).sum(axis=1)
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
