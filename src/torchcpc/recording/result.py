"""One source in time: its signal, and on the same axis PMI, surprise, boundaries and alarms. It imports no torch."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from torchcpc.information.result import Timeline


class Axis(NamedTuple):
    """What x counts. name: "second", "row", "sentence", or "date" for seconds since 1970; first, last: the stretch that is shown."""

    name: str
    first: float
    last: float


class Trace(NamedTuple):
    """A curve: y_P over x_P, NaN where it is not known.

    Args:
        name: What it is called in a legend.
        per_point: Positions that each point stands for, 1 where every position is there.
    """

    name: str
    x_P: np.ndarray
    y_P: np.ndarray
    per_point: float = 1.0


class CurvePair(NamedTuple):
    """A curve, and the same averaged over neighbours; None where it is not averaged."""

    raw: Trace
    smooth: Trace | None = None


class Spectrogram(NamedTuple):
    """level_FT: uint8, 0 for `floor_db` below the loudest and 255 for the loudest, from 0 Hz up to `top_hz`; step_s: between columns."""

    level_FT: np.ndarray
    top_hz: float
    floor_db: float
    step_s: float


class Sound(NamedTuple):
    """What is played: float32 samples from -1 to 1, at `rate` Hz."""

    sample_S: np.ndarray
    rate: int


@dataclass(frozen=True, slots=True)
class RecordingView:
    """A source as a page shows it.

    Args:
        timeline: PMI of the whole source, smoothed; its `source` is the key.
        run: The name of the run.
        axis: What x counts, and the stretch shown.
        signal: The waveform or the channels; none for a text.
        spectrogram, sound: Of a recording.
        sentences: Of a text, with the surprise of each.
        pmi: One curve a horizon.
        surprise: The score that boundaries or alarms come from, in nats.
        smooth: Steps that are averaged.
        threshold: Above it a score is an alarm; NaN without alarms.
        boundaries: Where the source changes, as x.
        alarms: Stretches above the threshold, as pairs of x.
        cut: Which stretch is shown of a source that is too long, in a sentence.
        notes: What the marks rest on, and what could not be had, in sentences.
    """

    timeline: Timeline
    run: str
    axis: Axis
    signal: tuple[Trace, ...]
    pmi: tuple[CurvePair, ...]
    surprise: CurvePair
    smooth: int
    spectrogram: Spectrogram | None = None
    sound: Sound | None = None
    sentences: tuple[tuple[str, float], ...] = ()
    threshold: float = float("nan")
    boundaries: tuple[float, ...] = ()
    alarms: tuple[tuple[float, float], ...] = ()
    cut: str = ""
    notes: tuple[str, ...] = ()
