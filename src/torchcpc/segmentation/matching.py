"""Found against true boundaries: hits within a tolerance, and the numbers made of them.

Two ways to count. One-to-one ("harsh", Strgar & Harwath 2022, arXiv:2210.14324): a true boundary is hit by at most one found
one and the other way round, as many pairs as possible. Lenient (Kreuk et al. 2020, arXiv:2007.13465): a found boundary is right
where any true one is near, a true one is hit where any found one is near, so two marks beside one boundary both count as right.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.data.alignment import Alignment

TOLERANCE_S = 0.020
# Times are rounded to text and to floats; 20 ms apart must count as 20 ms apart. A frame is 10,000 times longer than this.
_ROUNDING_S = 1e-6


class Truth(NamedTuple):
    """What is known of one recording, in seconds: boundaries true_s, in order, within the labelled stretches [n, 2] (start, end). The ends
    of a stretch are no boundaries. What lies outside the stretches is not judged."""

    true_s: np.ndarray
    stretches_s: np.ndarray

    def judged(self, time_s: np.ndarray) -> np.ndarray:
        """Of times in order, those strictly inside a stretch."""
        return time_s[((time_s[:, None] > self.stretches_s[:, 0]) & (time_s[:, None] < self.stretches_s[:, 1])).any(axis=1)]

    @property
    def seconds(self) -> float:
        return float((self.stretches_s[:, 1] - self.stretches_s[:, 0]).sum())


def truth_of(alignment: Alignment, recording: str) -> Truth:
    """Boundaries are where one interval ends and the next begins. Raises CPCError for a recording without labels. A gap between intervals
    ends the stretch, so that unlabelled time holds neither boundaries nor false alarms."""
    alignment.require([recording])
    start_s, end_s, _ = alignment.spans[recording]
    joined = start_s[1:] - end_s[:-1] <= _ROUNDING_S
    first, last = np.concatenate([[True], ~joined]), np.concatenate([~joined, [True]])
    return Truth(start_s[1:][joined], np.stack([start_s[first], end_s[last]], axis=1))


class Counts(NamedTuple):
    """Boundaries found and true, pairs matched one-to-one, found ones with a true one near, true ones with a found one near."""

    found: float
    true: float
    pairs: float
    found_near: float
    true_near: float


def one_to_one(found_s: np.ndarray, true_s: np.ndarray, tolerance_s: float = TOLERANCE_S) -> int:
    """The largest number of disjoint pairs no further apart than the tolerance; both in order. The first two that fit are paired: on a
    line that is never worse than keeping either for later."""
    pairs = f = t = 0
    while f < len(found_s) and t < len(true_s):
        gap = found_s[f] - true_s[t]
        near = abs(gap) <= tolerance_s + _ROUNDING_S
        pairs += near
        f, t = f + (near or gap < 0), t + (near or gap > 0)
    return pairs


def count(found_s: np.ndarray, truth: Truth, tolerance_s: float = TOLERANCE_S) -> Counts:
    """Counts of one recording. found_s is in order; those outside the labelled stretches are passed over."""
    found_s = truth.judged(np.asarray(found_s, dtype=np.float64))
    near = np.abs(found_s[:, None] - truth.true_s) <= tolerance_s + _ROUNDING_S
    pairs = one_to_one(found_s, truth.true_s, tolerance_s)
    return Counts(len(found_s), len(truth.true_s), pairs, int(near.any(axis=1).sum()), int(near.any(axis=0).sum()))


class Quality(NamedTuple):
    """Shares: precision, recall, f1. over_segmentation: boundaries found too many, as a share of the true ones (below 0: too few).
    r_value: 1 at best; it falls when recall is bought with needless marks, as F1 hardly does."""

    precision: float
    recall: float
    f1: float
    over_segmentation: float
    r_value: float

    @classmethod
    def of(cls, counts: Counts, *, lenient: bool = False) -> Quality:
        """Räsänen, Laine & Altosaar, Interspeech 2009. Raises CPCError where there is no true boundary. R-value: 1 - (r1 + |r2|) / 2 with
        r1 = sqrt((1 - HR)^2 + OS^2), r2 = (HR - 1 - OS) / sqrt 2 and HR the recall. OS = recall / precision - 1; one-to-one this is found
        / true - 1 as they define it, lenient it is what Kreuk et al. report."""
        if not counts.true:
            raise CPCError("there is no boundary to be found: name recordings whose alignment has at least two intervals.")
        right, hit = (counts.found_near, counts.true_near) if lenient else (counts.pairs, counts.pairs)
        precision = right / counts.found if counts.found else 0.0
        recall = hit / counts.true
        over = (recall / precision if precision else counts.found / counts.true) - 1
        f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
        r1, r2 = math.hypot(1 - recall, over), (recall - 1 - over) / math.sqrt(2)
        return cls(precision, recall, f1, over, 1 - (r1 + abs(r2)) / 2)
