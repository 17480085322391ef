"""The view of one source of a trained run.

The whole source is scored, and the requested part is shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from torchcpc.anomalies.detect import AnomalySpec, detect
from torchcpc.contracts import CPCError, Written, check_rules, provides
from torchcpc.information.one_source import OneSource, source_pmi
from torchcpc.information.timeline import TimelineSpec, moving_mean, timeline_of
from torchcpc.recording.axis import Clock, Shown
from torchcpc.recording.result import CurvePair, RecordingView, Sound, Spectrogram, Trace
from torchcpc.recording.signal import channels, waveform
from torchcpc.recording.spectrogram import spectrogram
from torchcpc.recording.thin import trace
from torchcpc.runs.open_sources import Data
from torchcpc.runs.run import TrainedRun
from torchcpc.segmentation.boundaries import SegmentSpec
from torchcpc.segmentation.curves import Curve, StepTimes, find

# The most points of a curve, of its moving average, and of all PMI curves together.
# The last number is the most PMI curves that stay readable.
MOST_POINTS, MOST_SMOOTH_POINTS, MOST_PMI_POINTS, MOST_HORIZONS = 60_000, 2_000, 100_000, 6
# The most sound and the most text on one page.
MOST_SOUND_S, MOST_SENTENCES = 900, 10_000


@dataclass(frozen=True, slots=True)
class ViewSpec(TimelineSpec):
    """Which source to show, and which part of it. `TimelineSpec` has the other attributes.

    Attributes:
        start: Where the part begins, counted from the start of the source. The unit is seconds, rows if there is no
            clock, or sentences. None: at the start.
        end: Where the part ends. None: at the end.
        quantile: A row is an alarm if its score is above this quantile of the scores of normal rows.
        rate: Boundaries per second. None: the rule of `SegmentSpec`.
    """

    start: float | None = None
    end: float | None = None
    quantile: float = 0.99
    rate: float | None = None

    def __post_init__(self) -> None:
        TimelineSpec.__post_init__(self)
        low, high = self.start or 0.0, np.inf if self.end is None else self.end
        check_rules(
            self,
            start=(low >= 0, "at least 0"),
            end=(high > low, f"above the start, {low:g}"),
            quantile=(0 < self.quantile < 1, "between 0 and 1, neither included. Leave it out for 0.99"),
            rate=(self.rate is None or self.rate > 0, "boundaries per second, above 0"),
        )


class _Surprise(NamedTuple):
    """The surprise of one source.

    Attributes:
        curve: The score over x.
        threshold: The threshold of alarms, NaN without alarms.
        alarms: The parts above the threshold.
        note: Why there are no alarms.
    """

    curve: CurvePair
    threshold: float = float("nan")
    alarms: tuple[tuple[float, float], ...] = ()
    note: str = ""


def view_source(run: TrainedRun, data: Data | None, spec: ViewSpec) -> RecordingView:
    """Return the view of one source.

    Args:
        run: The trained run.
        data: The data that hold the source. None: data that the run did not train on.
        spec: Which source and which part of it.

    Raises:
        CPCError: If there is no such source or no such part.
    """
    one, encoder = spec.find(run, data), run.model.encoder
    clock = Clock.of(one.sources, sound=run.domain.sound)
    most = round(MOST_SOUND_S * clock.rate) if run.domain.sound else MOST_SENTENCES if clock.name == "sentence" else None
    shown = Shown.of(clock, one.length, encoder, spec.start, spec.end, most)
    pmi_KT = source_pmi(run, one)
    width = spec.smooth or max(1, shown.count // encoder.stride // 100)
    pmi, surprise = _pmi(run, pmi_KT, shown, width), _surprise(run, one, pmi_KT, shown, width, spec)
    boundaries, rule = _boundaries(run, one, pmi_KT, shown, spec)
    sound, picture = _sound(one, shown) if run.domain.sound else (None, None)
    return RecordingView(
        timeline_of(run, one, pmi_KT, spec),
        run.folder.resolve().name,
        shown.axis,
        tuple(_signal(run, one, shown)),
        tuple(pmi),
        surprise.curve,
        width,
        threshold=surprise.threshold,
        alarms=surprise.alarms,
        boundaries=boundaries,
        sound=sound,
        spectrogram=picture,
        sentences=tuple(_sentences(run, one, pmi_KT, shown)),
        cut=shown.note,
        notes=tuple(note for note in (surprise.note, rule, f"log Z comes from {one.origin}.") if note),
    )


def _signal(run: TrainedRun, one: OneSource, shown: Shown) -> Iterator[Trace]:
    if run.domain.sound:
        yield waveform(one.sources, shown)
    elif not provides(one.sources, Written):
        yield from channels(one.sources, shown)


def _sound(one: OneSource, shown: Shown) -> tuple[Sound, Spectrogram]:
    sample_S = one.sources.read(0, shown.first, shown.count)
    return Sound(sample_S, round(shown.clock.rate)), spectrogram(sample_S, shown.clock.rate)


def _sentences(run: TrainedRun, one: OneSource, pmi_KT: np.ndarray, shown: Shown) -> Iterator[tuple[str, float]]:
    """Yield the sentences that are shown, each with its surprise."""
    if provides(one.sources, Written):
        surprise_T = -pmi_KT[run.first_disjoint_horizon, shown.first : shown.last]
        yield from zip(one.sources.text(0, shown.first, shown.count), surprise_T.tolist(), strict=True)


def _curve(name: str, x_P: np.ndarray, y_P: np.ndarray, width: int, most: int = MOST_POINTS) -> CurvePair:
    """Return a curve and its mean over `width` neighbours."""
    smooth = trace(name, x_P, moving_mean(y_P[None], width)[0], MOST_SMOOTH_POINTS) if width > 1 else None
    return CurvePair(trace(name, x_P, y_P, most), smooth)


def _pmi(run: TrainedRun, pmi_KT: np.ndarray, shown: Shown, width: int) -> Iterator[CurvePair]:
    """Yield a curve for each horizon that shares no input with its context. If there are many, some are chosen
    evenly.
    """
    horizons = run.model.predictor.horizons
    disjoint = np.arange(run.first_disjoint_horizon, len(horizons))
    chosen = np.unique(disjoint[np.linspace(0, len(disjoint) - 1, min(len(disjoint), MOST_HORIZONS)).round().astype(int)])
    step_T, x_T = shown.steps(pmi_KT.shape[1])
    for index in chosen:
        yield _curve(f"k = {horizons[index]}", x_T, pmi_KT[index, step_T], width, MOST_PMI_POINTS // len(chosen))


def _surprise(run: TrainedRun, one: OneSource, pmi_KT: np.ndarray, shown: Shown, width: int, spec: ViewSpec) -> _Surprise:
    """Return the surprise of every step. For sensor series it is the score of `cpc anomalies`, with its threshold and
    alarms.
    """
    note = ""
    if run.config["encoder"].get("mean"):
        try:
            table, (rows,) = detect(run, one.sources, AnomalySpec(quantile=spec.quantile))
        except CPCError as error:
            note = f"There are no alarms: {error}"
        else:
            score_S, alarm_S = (np.asarray(rows[name])[shown.first : shown.last] for name in ("score", "alarm"))
            rows_wide = width * shown.stride if width > 1 else 1
            curve = _curve("mean over all k", shown.rows(), score_S.astype(np.float64), rows_wide)
            return _Surprise(curve, table.rows[0].threshold, shown.stretches(alarm_S))
    step_T, x_T = shown.steps(pmi_KT.shape[1])
    index = run.first_disjoint_horizon
    return _Surprise(_curve(f"k = {run.model.predictor.horizons[index]}", x_T, -pmi_KT[index, step_T], width), note=note)


def _boundaries(
    run: TrainedRun, one: OneSource, pmi_KT: np.ndarray, shown: Shown, spec: ViewSpec
) -> tuple[tuple[float, ...], str]:
    """Return the prominent peaks of the surprise of this source as x, and the rule that chose them."""
    index, rate = run.first_disjoint_horizon, one.sources.rate
    k = run.model.predictor.horizons[index]
    surprise_P = -pmi_KT[index, k:]
    peaks = find(Curve(surprise_P, StepTimes.of(run.model.encoder, rate).middles(len(surprise_P), k)))
    if not len(peaks.place):
        return (), "There are no boundaries: the surprise has no peak."
    asked, usual = SegmentSpec(rate=spec.rate), run.domain.boundary_rate
    kept = peaks.above(asked.threshold([peaks], one.length / rate, usual))
    words = f"Boundaries are the most prominent peaks of the surprise of this source alone, {asked.rule(usual).words}."
    return tuple(shown.within(kept.time_s * rate).tolist()), words
