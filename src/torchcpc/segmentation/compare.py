"""From trained runs to the table of boundaries: every curve and threshold against known boundaries, beside baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from torchcpc.baselines.speech import RATE_HZ
from torchcpc.contracts import CPCError, Listener, Sources
from torchcpc.data.alignment import Alignment
from torchcpc.probes.question import ProbeSpec
from torchcpc.probes.split_clips import split_clips
from torchcpc.runs.run import TrainedRun
from torchcpc.segmentation.boundaries import CURVES, FLUX, SegmentSpec, curves_of
from torchcpc.segmentation.matching import Counts, Quality, Truth, count, truth_of
from torchcpc.segmentation.peaks import Peaks, find, threshold_by_labels, threshold_by_quantile, threshold_by_rate
from torchcpc.segmentation.result import SegmentQuality, SegmentRow, SegmentTable
from torchcpc.statistics.intervals import statistic_interval

EVEN = "evenly spaced"
# Sections of the settings that all seeds of one network share.
_SIZES = ("encoder", "context", "predictor", "data")


def compare(
    runs: Sequence[TrainedRun], sources: Sources, alignment: Alignment, spec: SegmentSpec, listener: Listener
) -> SegmentTable:
    """Every curve under every way to choose its threshold, on the test sources. runs: seeds of one network.

    Each seed chooses its thresholds on the validation sources of the split that `cpc probe` makes. log Z is drawn from the training
    sources. Without a clock, seconds are positions. Raises CPCError for runs of other sizes and for pictures.
    """
    run = runs[0]
    if any(other.config[part] != run.config[part] for other in runs for part in _SIZES):
        raise CPCError("the other runs are of other sizes than the first. Name seeds of one network.")
    split = split_clips(sources, ProbeSpec(label="", alignment=alignment))
    at = {name: [i for i, part in enumerate(split.part) if part == name] for name in ("train", "validation", "test")}
    truths = {name: [truth_of(alignment, sources.recording(i)) for i in at[name]] for name in ("validation", "test")}
    peaks: dict[str, list[tuple[list[Peaks], list[Peaks]]]] = {}
    for number, each in enumerate(runs):
        # The spectral flux takes recordings of one channel at 16 kHz, and is the same under every seed.
        flux_fits = number == 0 and sources.rate == RATE_HZ and each.model.encoder.row_shape == ()
        names = [name for name in CURVES if name != FLUX or flux_fits]
        both, drawn_from = at["validation"] + at["test"], at["train"] or at["validation"]
        for name, curves in curves_of(each, sources, both, names, spec, drawn_from=drawn_from, listener=listener).items():
            own, cut = [find(curve) for curve in curves], len(at["validation"])
            peaks.setdefault(name, []).append((own[:cut], own[cut:]))
    seconds = sum(sources.length(i) for i in at["validation"]) / sources.rate
    rows = []
    for name, seeds in peaks.items():
        for how, threshold in _thresholds(truths["validation"], seconds, spec).items():
            chosen = [threshold(validation) for validation, _ in seeds]
            times = [[p.above(low).time_s for p in test] for (_, test), low in zip(seeds, chosen, strict=True)]
            rows.append(_row(name, how, times, truths["test"], spec, chosen))
    period = sum(truth.seconds for truth in truths["validation"]) / sum(len(truth.true_s) for truth in truths["validation"])
    even = [np.arange(0, sources.length(i) / sources.rate, period) for i in at["test"]]
    rows.append(_row(EVEN, "validation labels", [even], truths["test"], spec, [period]))
    return SegmentTable(
        tolerance_s=spec.tolerance_s,
        k=run.model.predictor.horizons[run.horizon_index(spec.k)],
        lag=spec.lag,
        validation=len(at["validation"]),
        test=len(at["test"]),
        boundaries=sum(len(truth.true_s) for truth in truths["test"]),
        split=split.split,
        rows=tuple(rows),
    )


def _thresholds(truths: Sequence[Truth], seconds: float, spec: SegmentSpec) -> Mapping[str, Callable[[Sequence[Peaks]], float]]:
    """Name -> the threshold that validation peaks get. Only the first looks at labels, which are of validation sources."""
    made: dict[str, Callable[[Sequence[Peaks]], float]] = {
        "validation labels": lambda peaks: threshold_by_labels(peaks, truths, tolerance_s=spec.tolerance_s),
        f"no labels, {1 - spec.peak_quantile:.0%} of peaks": lambda peaks: threshold_by_quantile(peaks, spec.peak_quantile),
    }
    if (rate := spec.rate) is not None:
        made[f"no labels, {rate:g} per second"] = lambda peaks: threshold_by_rate(peaks, seconds, rate)
    return made


def _row(
    name: str,
    how: str,
    times: Sequence[Sequence[np.ndarray]],
    truths: Sequence[Truth],
    spec: SegmentSpec,
    lows: Sequence[float],
) -> SegmentRow:
    """One curve under one threshold. times: of the boundaries of each test source, for each seed; lows: the thresholds of the seeds."""
    counts = [[count(found_s, truth, spec.tolerance_s) for found_s, truth in zip(own, truths, strict=True)] for own in times]
    one_to_one, lenient = (_quality(np.array(counts), lenient=lenient) for lenient in (False, True))
    return SegmentRow(name, "handmade" if name in (FLUX, EVEN) else "cpc", how, len(times), one_to_one, lenient, tuple(lows))


def _quality(counts_RSF: np.ndarray, *, lenient: bool) -> SegmentQuality:
    """Means over the seeds R; F1 and R-value with their intervals over seeds and test sources S."""

    def of(counts_F: np.ndarray) -> Quality:
        return Quality.of(Counts(*counts_F), lenient=lenient)

    seeds = [of(sums_F) for sums_F in counts_RSF.sum(axis=1)]
    return SegmentQuality(
        precision=float(np.mean([seed.precision for seed in seeds])),
        recall=float(np.mean([seed.recall for seed in seeds])),
        f1=statistic_interval(counts_RSF, lambda counts_F: of(counts_F).f1),
        over_segmentation=float(np.mean([seed.over_segmentation for seed in seeds])),
        r_value=statistic_interval(counts_RSF, lambda counts_F: of(counts_F).r_value),
    )
