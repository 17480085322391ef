"""The table of boundaries: every curve and threshold of trained runs and of baselines, compared with known boundaries."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from torchcpc.baselines.speech import RATE_HZ
from torchcpc.contracts import CPCError, Sources, note_lines
from torchcpc.data.alignment import Alignment
from torchcpc.probes.question import ProbeSpec
from torchcpc.probes.rows import split_clips
from torchcpc.representations.rows import refuse_pictures
from torchcpc.runs.run import TrainedRun
from torchcpc.segmentation.boundaries import CURVES, FLUX, SegmentSpec, curves_of
from torchcpc.segmentation.curves import Peaks, find, threshold_by_labels
from torchcpc.segmentation.matching import Counts, Quality, Truth, count, truth_of
from torchcpc.segmentation.result import WITH_LABELS, SegmentQuality, SegmentRow, SegmentTable
from torchcpc.statistics.intervals import statistic_interval

EVEN = "evenly spaced"


def compare(runs: Sequence[TrainedRun], sources: Sources, alignment: Alignment, spec: SegmentSpec) -> SegmentTable:
    """Compare the boundaries of every curve with known ones, on the test sources.

    Each seed chooses its thresholds on the validation sources of the split that `cpc probe` makes. log Z is drawn
    from the training sources. Without a clock, seconds are positions.

    Args:
        runs: Seeds of one network.
        sources: The sources.
        alignment: The known boundaries.
        spec: How curves and thresholds are made.

    Raises:
        CPCError: If the runs differ in size, or are runs of pictures.
    """
    run = runs[0]
    refuse_pictures(run.model, f"({run.folder}) has no boundaries in time")
    if any(other.config[part] != run.config[part] for other in runs for part in ("encoder", "context", "predictor", "data")):
        raise CPCError("the other runs are of other sizes than the first. Name seeds of one network.")
    for line in note_lines(alignment.notes):
        run.listener.note(line)
    alignment = alignment.matched(sources)
    split = split_clips(sources, ProbeSpec(label="", alignment=alignment))
    train, validation, test = (
        np.flatnonzero(np.array(split.part) == name).tolist() for name in ("train", "validation", "test")
    )
    labelled, judged = ([truth_of(alignment, sources.items[i].key) for i in part] for part in (validation, test))
    peaks: dict[str, list[tuple[list[Peaks], list[Peaks]]]] = {}
    for number, each in enumerate(runs):
        # The spectral flux needs recordings of one channel at 16 kHz, and is the same for every seed.
        flux_fits = number == 0 and sources.rate == RATE_HZ and each.model.encoder.row_shape == ()
        names = [name for name in CURVES if name != FLUX or flux_fits]
        for name, curves in curves_of(each, sources, validation + test, names, spec, train or validation).items():
            own = [find(curve) for curve in curves]
            peaks.setdefault(name, []).append((own[: len(validation)], own[len(validation) :]))
    seconds = sum(sources.length(i) for i in validation) / sources.rate
    rows = []
    for name, seeds in peaks.items():
        for how, threshold in _thresholds(labelled, seconds, spec, run.domain.boundary_rate).items():
            chosen = [threshold(own) for own, _ in seeds]
            times = [[p.above(low).time_s for p in tested] for (_, tested), low in zip(seeds, chosen, strict=True)]
            rows.append(_row(name, how, times, judged, spec, chosen))
    period = sum(truth.seconds for truth in labelled) / sum(len(truth.true_s) for truth in labelled)
    even = [np.arange(0, sources.length(i) / sources.rate, period) for i in test]
    rows.append(_row(EVEN, WITH_LABELS, [even], judged, spec, [period]))
    k, boundaries = run.model.predictor.horizons[run.horizon_index(spec.k)], sum(len(truth.true_s) for truth in judged)
    sizes = len(validation), len(test), boundaries
    return SegmentTable(spec.tolerance_s, k, spec.lag, *sizes, split.split, tuple(rows))


def _thresholds(
    truths: Sequence[Truth], seconds: float, spec: SegmentSpec, usual_rate: float | None
) -> Mapping[str, Callable[[Sequence[Peaks]], float]]:
    """Return the ways to choose a threshold from validation peaks, by name. Only the first uses the labels of validation
    sources.
    """
    rule = spec.rule(usual_rate)
    return {
        WITH_LABELS: lambda peaks: threshold_by_labels(peaks, truths, tolerance_s=spec.tolerance_s),
        f"no labels, {rule.words}": lambda peaks: rule.threshold(peaks, seconds),
    }


def _row(
    name: str, how: str, times: Sequence[Sequence[np.ndarray]], truths: list[Truth], spec: SegmentSpec, lows: list[float]
) -> SegmentRow:
    """Return the row of one curve under one threshold.

    Args:
        name: The curve.
        how: The name of the threshold.
        times: The boundaries of each test source, for each seed.
        truths: The known boundaries of each test source.
        spec: The tolerance.
        lows: The threshold of each seed.
    """
    counts = [[count(found_s, truth, spec.tolerance_s) for found_s, truth in zip(own, truths, strict=True)] for own in times]
    one_to_one, lenient = (_quality(np.array(counts), lenient=lenient) for lenient in (False, True))
    return SegmentRow(name, "handmade" if name in (FLUX, EVEN) else "cpc", how, len(times), one_to_one, lenient, tuple(lows))


def _quality(counts_RSF: np.ndarray, *, lenient: bool) -> SegmentQuality:
    """Return means over the seeds R. F1 and R-value have intervals over seeds and test sources S."""

    def of(counts_F: np.ndarray) -> Quality:
        return Quality.of(Counts(*counts_F), lenient=lenient)

    seeds = zip(*map(of, counts_RSF.sum(axis=1)), strict=True)
    precision, recall, _, over, _ = (float(np.mean(values)) for values in seeds)
    f1 = statistic_interval(counts_RSF, lambda counts_F: of(counts_F)[2], least=0.0, most=1.0)
    r_value = statistic_interval(counts_RSF, lambda counts_F: of(counts_F)[4])
    return SegmentQuality(precision, recall, f1, over, r_value)
