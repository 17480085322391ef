"""Boundaries and change points: curves over neighbouring steps, peaks of them, and how well those match boundaries that are known."""

from torchcpc.evaluation.segments.curves import METRICS, Curve, dissimilarity, surprise
from torchcpc.evaluation.segments.matching import Counts, Quality, count, one_to_one, truth_of
from torchcpc.evaluation.segments.peaks import Peaks, find, threshold_by_labels, threshold_by_quantile, threshold_by_rate

__all__ = [
    "METRICS",
    "Counts",
    "Curve",
    "Peaks",
    "Quality",
    "count",
    "dissimilarity",
    "find",
    "one_to_one",
    "surprise",
    "threshold_by_labels",
    "threshold_by_quantile",
    "threshold_by_rate",
    "truth_of",
]
