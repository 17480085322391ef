"""Boundaries without labels: the prominent peaks of a curve over each source."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from torchcpc.contracts import Sources, check_choice, check_rules
from torchcpc.information.scoring import SampleSpec, draw_sample, steps_in
from torchcpc.representations.rows import refuse_pictures
from torchcpc.representations.write import Rows
from torchcpc.runs.run import TrainedRun
from torchcpc.segmentation.curves import (
    METRICS,
    Curve,
    Peaks,
    StepTimes,
    dissimilarity,
    find,
    flux,
    surprise_curve,
    threshold_by_quantile,
    threshold_by_rate,
)
from torchcpc.segmentation.matching import TOLERANCE_S

SURPRISE, FLUX = "surprise", "spectral flux"
CURVES = (SURPRISE, *METRICS, FLUX)


# Noise has a local maximum at every third step, so most maxima mark nothing.
_PEAK_QUANTILE = 0.75


class Rule(NamedTuple):
    """A way to choose a threshold without labels.

    Attributes:
        words: Its name in a table.
        threshold: A function (peaks of all sources, their length in seconds) that returns the least prominence of a
            boundary.
    """

    words: str
    threshold: Callable[[Sequence[Peaks], float], float]


@dataclass(frozen=True, slots=True)
class SegmentSpec:
    """How curves and thresholds are made.

    Args:
        curve: The curve that boundaries are taken from.
        k: Steps ahead of the surprise. None: the first horizon that shares no input with its context.
        lag: Steps between the two steps that the other curves compare.
        prominence: The least prominence of a peak that is kept, in units of the curve. None: `rate` decides.
        rate: Boundaries per second. None: `peak_quantile` decides, or the usual rate of the domain.
        peak_quantile: The share of the local maxima to leave out.
        tolerance_s: The largest distance between a found boundary and a true one, in seconds.
        samples: The number of marginal samples for log Z.
    """

    curve: str = SURPRISE
    k: int | None = None
    lag: int = 1
    prominence: float | None = None
    rate: float | None = None
    peak_quantile: float | None = None
    tolerance_s: float = TOLERANCE_S
    samples: int = 2048

    def __post_init__(self) -> None:
        check_choice("curve", self.curve, CURVES)
        check_rules(
            self,
            lag=(self.lag >= 1, "at least 1"),
            rate=(self.rate is None or self.rate > 0, "boundaries per second, above 0"),
            peak_quantile=(
                self.peak_quantile is None or 0 <= self.peak_quantile < 1,
                "the share of local maxima to leave out, at least 0 and below 1",
            ),
            tolerance_s=(self.tolerance_s >= 0, "at least 0"),
            samples=(self.samples >= 1, "at least 1"),
        )

    def rule(self, usual_rate: float | None) -> Rule:
        """Return the rule that chooses a threshold without labels.

        Args:
            usual_rate: The usual boundaries per second in the domain. None if there is none.
        """
        rate = self.rate or (usual_rate if self.peak_quantile is None else None)
        if rate is not None:
            return Rule(f"{rate:g} per second", lambda peaks, seconds: threshold_by_rate(peaks, seconds, rate))
        quantile = _PEAK_QUANTILE if self.peak_quantile is None else self.peak_quantile
        return Rule(f"{1 - quantile:.0%} of peaks", lambda peaks, _: threshold_by_quantile(peaks, quantile))

    def threshold(self, peaks: Sequence[Peaks], seconds: float, usual_rate: float | None = None) -> float:
        """Return the given prominence, or the one that the rule chooses.

        Args:
            peaks: The peaks of all sources.
            seconds: The length of all sources.
            usual_rate: The usual boundaries per second in the domain.
        """
        return self.prominence if self.prominence is not None else self.rule(usual_rate).threshold(peaks, seconds)


class Boundaries(NamedTuple):
    """Boundaries of all sources.

    The columns of a row are `source`, `step` (the one before the boundary), `time_s`, `height` of the curve, and
    `prominence`.

    Attributes:
        rows: The boundaries as rows of a file.
        threshold: The least prominence that a boundary must have.
        per_second: Their number per second.
    """

    rows: list[Rows]
    threshold: float
    per_second: float


def boundaries(run: TrainedRun, sources: Sources, spec: SegmentSpec) -> Boundaries:
    """Find the boundaries of every source.

    For the surprise, each source is scored against samples of all others.

    Args:
        run: The run.
        sources: The sources.
        spec: The curve and its threshold.

    Raises:
        CPCError: If the run is one of pictures, or no curve has a peak.
    """
    refuse_pictures(run.model, f"({run.folder}) has no boundaries in time")
    indices = range(len(sources))
    peaks = [find(curve) for curve in curves_of(run, sources, indices, [spec.curve], spec, indices)[spec.curve]]
    seconds = sum(sources.length(i) for i in indices) / sources.rate
    threshold = spec.threshold(peaks, seconds, run.domain.boundary_rate)
    rows: list[Rows] = []
    for item, own in zip(sources.items, peaks, strict=True):
        kept = own.above(threshold)
        heights = {"height": kept.height.astype(np.float32), "prominence": kept.prominence.astype(np.float32)}
        rows.append({"source": [item.key] * len(kept.place), "step": kept.place, "time_s": kept.time_s, **heights})
    return Boundaries(rows, threshold, sum(len(own["step"]) for own in rows) / seconds)


def curves_of(
    run: TrainedRun, sources: Sources, indices: Sequence[int], names: list[str], spec: SegmentSpec, drawn_from: Sequence[int]
) -> Mapping[str, list[Curve]]:
    """Return the curves of the sources at `indices`, by name.

    Args:
        run: The run.
        sources: The sources.
        indices: Which of them.
        names: The names of the curves.
        spec: How they are made.
        drawn_from: The sources that log Z of the surprise is drawn from.
    """
    model, index, learned = run.model, run.horizon_index(spec.k), [name for name in names if name != FLUX]
    sample = draw_sample(run, sources, drawn_from, SampleSpec(spec.samples, marginal="all")) if SURPRISE in names else None
    found: dict[str, dict[int, Curve]] = {name: {} for name in names}
    times = StepTimes.of(model.encoder, sources.rate)
    for steps in steps_in(run, sources, indices, "segmenting") if learned else ():
        for name in learned:
            if name != SURPRISE:
                found[name][steps.source] = dissimilarity(steps.z_TD.numpy(), times, metric=name, lag=spec.lag)
            elif sample is not None:
                found[name][steps.source] = surprise_curve(model, sample, steps, times, index=index)
    if FLUX in names:
        for number in indices:
            found[FLUX][number] = flux(sources.read(number, 0, sources.length(number)), sources.rate, lag=spec.lag)
    return {name: [own[number] for number in indices] for name, own in found.items()}
