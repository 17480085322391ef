"""How expected each step of one source was by what came before it, from its beginning to its end."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.information.scoring import Steps, score_pairs
from torchcpc.scores.calibration import Sample


class Course(NamedTuple):
    """pmi_KT in nats: of step t as it was predicted k steps before, NaN where there was nothing to predict it from."""

    horizons: tuple[int, ...]
    pmi_KT: np.ndarray


def course(model: Any, sample: Sample, steps: Steps, number: int) -> Course:
    """The course of one sequence; number: of its source in the numbers of the sample. Raises CPCError if it is too short."""
    horizons = model.predictor.horizons
    pmi_KT = np.full((len(horizons), len(steps.z_TD)), np.nan)
    for scored in score_pairs(model, sample, steps, number)[0]:
        pmi_KT[scored.horizon, scored.step + horizons[scored.horizon]] = scored.pmi
    if np.isnan(pmi_KT).all():
        raise CPCError(f"{pmi_KT.shape[1]} steps: too few to predict {horizons[0]} ahead. Name a longer source.")
    return Course(tuple(horizons), pmi_KT)


def smooth(value_KT: np.ndarray, width: int) -> np.ndarray:
    """[K, T] mean of the `width` steps around each, of those that are there; NaN where there is none."""
    known_KT = np.isfinite(value_KT)
    sums, counts = (
        np.concatenate([np.zeros((len(each), 1)), np.cumsum(each, axis=1)], axis=1)
        for each in (np.where(known_KT, value_KT, 0.0), known_KT)
    )
    t_T = np.arange(value_KT.shape[1])
    low_T, high_T = np.maximum(t_T - (width - 1) // 2, 0), np.minimum(t_T + width // 2 + 1, len(t_T))
    count_KT = counts[:, high_T] - counts[:, low_T]
    return np.where(count_KT > 0, (sums[:, high_T] - sums[:, low_T]) / np.maximum(count_KT, 1), np.nan)


class Stretch(NamedTuple):
    """Mean PMI over a stretch of steps at each horizon, in order and shuffled, with the standard error of the mean difference from blocks
    of neighbouring steps; all [K], nats."""

    ordered_K: np.ndarray
    shuffled_K: np.ndarray
    error_K: np.ndarray


def stretch(ordered: Course, shuffled: Course, first: int, last: int, *, blocks: int = 20) -> Stretch:
    """What a shuffled stretch first .. last - 1 costs. Positions are compared as they stand: the mean over both holds the same steps."""
    pair_KT = np.stack([each.pmi_KT[:, first:last] for each in (ordered, shuffled)])
    gap_KT = pair_KT[0] - pair_KT[1]
    means_KG = np.stack(
        [np.nanmean(block, axis=1) for block in np.array_split(gap_KT, min(blocks, last - first), axis=1)], axis=1
    )
    error_K = means_KG.std(axis=1, ddof=1) / np.sqrt(means_KG.shape[1])
    ordered_K, shuffled_K = np.nanmean(pair_KT, axis=2)
    return Stretch(ordered_K, shuffled_K, error_K)
