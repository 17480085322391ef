"""Peaks of a curve by prominence, and ways to choose how prominent a peak must be that ask for no label of a test recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.signal import find_peaks

from torchcpc.contracts import CPCError
from torchcpc.segmentation.curves import Curve
from torchcpc.segmentation.matching import TOLERANCE_S, Counts, Quality, Truth, count


class Peaks(NamedTuple):
    """All local maxima of one curve, in order: place (position in the curve), time in seconds, height, prominence."""

    place: np.ndarray
    time_s: np.ndarray
    height: np.ndarray
    prominence: np.ndarray

    def above(self, threshold: float) -> Peaks:
        """Those at least as prominent as the threshold."""
        kept = self.prominence >= threshold
        return Peaks(*(column[kept] for column in self))


def find(curve: Curve) -> Peaks:
    """Every local maximum with its prominence: how far one must climb down from it before one can climb higher (find_peaks of scipy).

    A rule on prominence sees the shape alone, so a slow drift of the curve moves no boundary.
    """
    place, found = find_peaks(curve.value_P, prominence=(None, None))
    return Peaks(place, curve.time_P[place], curve.value_P[place], found["prominences"])


def threshold_by_labels(peaks: Sequence[Peaks], truths: Sequence[Truth], *, tolerance_s: float = TOLERANCE_S) -> float:
    """The prominence with the highest one-to-one R-value on labelled recordings that are not the reported ones.

    It is one of those found there: 200 are tried, spread evenly over their ranks.
    """

    def r_value(threshold: float) -> float:
        counts = [count(p.above(threshold).time_s, t, tolerance_s) for p, t in zip(peaks, truths, strict=True)]
        return Quality.of(Counts(*map(sum, zip(*counts, strict=True)))).r_value

    ordered = np.unique(_prominences(peaks))
    return max(ordered[np.unique(np.linspace(0, len(ordered) - 1, 200).astype(int))].tolist(), key=r_value)


def threshold_by_quantile(peaks: Sequence[Peaks], quantile: float) -> float:
    """No labels: the prominence that this share of all local maxima stays below."""
    return float(np.quantile(_prominences(peaks), quantile))


def threshold_by_rate(peaks: Sequence[Peaks], seconds: float, per_second: float) -> float:
    """No labels: the prominence that leaves `per_second` boundaries a second, in recordings that last `seconds` together.

    Where there are fewer local maxima than that, all are kept.
    """
    prominences = np.sort(_prominences(peaks))[::-1]
    return float(prominences[min(max(round(per_second * seconds), 1), len(prominences)) - 1])


def _prominences(peaks: Sequence[Peaks]) -> np.ndarray:
    joined = np.concatenate([p.prominence for p in peaks]) if peaks else np.zeros(0)
    if not len(joined):
        raise CPCError("no curve has a local maximum: name more or longer sources to choose a threshold from.")
    return joined
