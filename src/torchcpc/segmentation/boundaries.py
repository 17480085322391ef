"""Boundaries of sources without labels: curves of whole sources, and those of their peaks that are prominent enough."""

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


# A curve of noise has a local maximum at every third step, so most maxima mark nothing.
_PEAK_QUANTILE = 0.75


class Rule(NamedTuple):
    """How a threshold is chosen without labels.

    Args:
        words: Its name in a table.
        threshold: (peaks of all sources, their length in seconds) -> the least prominence of a boundary.
    """

    words: str
    threshold: Callable[[Sequence[Peaks], float], float]


@dataclass(frozen=True, slots=True)
class SegmentSpec:
    """How curves and thresholds are made.

    Args:
        curve: The curve that boundaries are taken from.
        k: Steps ahead of the surprise. None: the first horizon that shares no input with its context.
        lag: Steps between the two that the other curves compare.
        prominence: Least prominence of a peak that is kept, in units of the curve. None: `rate` decides.
        rate: Boundaries per second. None: `peak_quantile` decides, or the usual rate of the domain.
        peak_quantile: Share of the local maxima to leave out.
        tolerance_s: Largest distance between a boundary that was found and a true one, in seconds.
        samples: Marginal samples for log Z.
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
        """The rule that chooses a threshold without labels. usual_rate: boundaries per second that are usual in the domain."""
        rate = self.rate or (usual_rate if self.peak_quantile is None else None)
        if rate is not None:
            return Rule(f"{rate:g} per second", lambda peaks, seconds: threshold_by_rate(peaks, seconds, rate))
        quantile = _PEAK_QUANTILE if self.peak_quantile is None else self.peak_quantile
        return Rule(f"{1 - quantile:.0%} of peaks", lambda peaks, _: threshold_by_quantile(peaks, quantile))

    def threshold(self, peaks: Sequence[Peaks], seconds: float, usual_rate: float | None = None) -> float:
        """The prominence that was asked for, or that the rule chooses. seconds: the length of all sources."""
        return self.prominence if self.prominence is not None else self.rule(usual_rate).threshold(peaks, seconds)


class Boundaries(NamedTuple):
    """Rows of a file, the prominence that their peaks have at least, and their number per second. Columns: `source`, `step` (the one
    before the boundary), `time_s`, `height` of the curve there, and `prominence`."""

    rows: list[Rows]
    threshold: float
    per_second: float


def boundaries(run: TrainedRun, sources: Sources, spec: SegmentSpec) -> Boundaries:
    """The boundaries of every source. For the surprise, each is scored against samples of all the others."""
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
    """Name -> one curve for each source at `indices`, in their order. drawn_from: the sources that log Z of the surprise rests on."""
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
