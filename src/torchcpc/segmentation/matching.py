"""Compare found boundaries with true ones: hits within a tolerance, and measures made of them.

There are two ways to count:

- One-to-one ("harsh") pairs each true boundary with at most one found boundary, and makes as many pairs as possible.
  Source: Strgar & Harwath 2022, arXiv:2210.14324.
- Lenient counts a found boundary as right if any true one is near. A true boundary is hit if any found one is near.
  So two marks near one boundary both count as right. Source: Kreuk et al. 2020, arXiv:2007.13465.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.data.alignment import Alignment

TOLERANCE_S = 0.020
# Times are rounded to text and to floats, but 20 ms must count as 20 ms. A frame is 10,000 times longer than this.
_ROUNDING_S = 1e-6


class Truth(NamedTuple):
    """The known boundaries of one recording, in seconds. Times outside the labelled stretches are not judged.

    Attributes:
        true_s: The boundaries, in order. The ends of a stretch are no boundaries.
        stretches_s: Start and end of each labelled stretch, [n, 2].
    """

    true_s: np.ndarray
    stretches_s: np.ndarray

    def judged(self, time_s: np.ndarray) -> np.ndarray:
        """Return the times strictly inside a stretch. They are in order."""
        return time_s[((time_s[:, None] > self.stretches_s[:, 0]) & (time_s[:, None] < self.stretches_s[:, 1])).any(axis=1)]

    @property
    def seconds(self) -> float:
        """The total length of the labelled stretches."""
        return float((self.stretches_s[:, 1] - self.stretches_s[:, 0]).sum())


def truth_of(alignment: Alignment, recording: str) -> Truth:
    """Return the known boundaries of a recording: where one interval ends and the next begins.

    A gap between intervals ends the stretch. So unlabelled time holds neither boundaries nor false alarms.

    Raises:
        CPCError: If the recording has no labels.
    """
    alignment.require([recording])
    start_s, end_s, _ = alignment.spans[recording]
    joined = start_s[1:] - end_s[:-1] <= _ROUNDING_S
    first, last = np.concatenate([[True], ~joined]), np.concatenate([~joined, [True]])
    return Truth(start_s[1:][joined], np.stack([start_s[first], end_s[last]], axis=1))


class Counts(NamedTuple):
    """The counts of boundaries.

    Attributes:
        found: Boundaries found.
        true: True boundaries.
        pairs: Pairs matched one-to-one.
        found_near: Found boundaries with a true one near.
        true_near: True boundaries with a found one near.
    """

    found: float
    true: float
    pairs: float
    found_near: float
    true_near: float


def one_to_one(found_s: np.ndarray, true_s: np.ndarray, tolerance_s: float = TOLERANCE_S) -> int:
    """Return the largest number of disjoint pairs within the tolerance. Both lists are in order.

    The first two that fit are paired. On a line this is never worse than keeping one of them for later.
    """
    pairs = f = t = 0
    while f < len(found_s) and t < len(true_s):
        gap = found_s[f] - true_s[t]
        near = abs(gap) <= tolerance_s + _ROUNDING_S
        pairs += near
        f, t = f + (near or gap < 0), t + (near or gap > 0)
    return pairs


def count(found_s: np.ndarray, truth: Truth, tolerance_s: float = TOLERANCE_S) -> Counts:
    """Return the counts of one recording. Found boundaries are in order, and those outside the labelled stretches are
    left out.
    """
    found_s = truth.judged(np.asarray(found_s, dtype=np.float64))
    near = np.abs(found_s[:, None] - truth.true_s) <= tolerance_s + _ROUNDING_S
    pairs = one_to_one(found_s, truth.true_s, tolerance_s)
    return Counts(len(found_s), len(truth.true_s), pairs, int(near.any(axis=1).sum()), int(near.any(axis=0).sum()))


class Quality(NamedTuple):
    """Measures of a segmentation.

    Attributes:
        precision: The share of found boundaries that are right.
        recall: The share of true boundaries that are hit.
        f1: The harmonic mean of the two.
        over_segmentation: Surplus boundaries as a share of the true ones. Below 0 means too few.
        r_value: 1 at best. Unlike F1, it falls clearly if needless marks raise the recall.
    """

    precision: float
    recall: float
    f1: float
    over_segmentation: float
    r_value: float

    @classmethod
    def of(cls, counts: Counts, *, lenient: bool = False) -> Quality:
        """Compute the measures (Räsänen, Laine & Altosaar, Interspeech 2009).

        With HR the recall and OS = recall / precision - 1, the R-value is::

            1 - (r1 + |r2|) / 2
            r1 = sqrt((1 - HR)^2 + OS^2)
            r2 = (HR - 1 - OS) / sqrt 2

        One-to-one, OS is found / true - 1 as they define it. Lenient, it is what Kreuk et al. report.

        Raises:
            CPCError: If there is no true boundary.
        """
        if not counts.true:
            raise CPCError("there is no boundary to be found: name recordings whose alignment has at least two intervals.")
        right, hit = (counts.found_near, counts.true_near) if lenient else (counts.pairs, counts.pairs)
        precision = right / counts.found if counts.found else 0.0
        recall = hit / counts.true
        over = (recall / precision if precision else counts.found / counts.true) - 1
        f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
        r1, r2 = math.hypot(1 - recall, over), (recall - 1 - over) / math.sqrt(2)
        return cls(precision, recall, f1, over, 1 - (r1 + abs(r2)) / 2)
