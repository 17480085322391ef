"""One source in time: its signal, PMI, surprise, boundaries and alarms on one axis. This module does not import
torch.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from torchcpc.information.result import Timeline


class Axis(NamedTuple):
    """The x axis.

    Attributes:
        name: The unit: "second", "row", "sentence", or "date" for seconds since 1970.
        first: Where the part that is shown begins.
        last: Where it ends.
    """

    name: str
    first: float
    last: float


class Trace(NamedTuple):
    """A curve.

    Attributes:
        name: Its name in a legend.
        x_P: The x of its points, [P].
        y_P: Its values, [P]. NaN means that a value is not known.
        per_point: How many positions each point stands for. It is 1 if every position has a point.
    """

    name: str
    x_P: np.ndarray
    y_P: np.ndarray
    per_point: float = 1.0


class CurvePair(NamedTuple):
    """A curve and its moving average.

    Attributes:
        raw: The curve.
        smooth: Its moving average, or None if there is no smoothing.
    """

    raw: Trace
    smooth: Trace | None = None


class Spectrogram(NamedTuple):
    """The spectrogram of a recording.

    Attributes:
        level_FT: Levels as uint8, [F, T]. 255 is the loudest level, and 0 is `floor_db` below it.
        top_hz: The highest frequency. The lowest is 0 Hz.
        floor_db: The range of levels in dB.
        step_s: The seconds between two columns.
    """

    level_FT: np.ndarray
    top_hz: float
    floor_db: float
    step_s: float


class Sound(NamedTuple):
    """The sound that the page plays.

    Attributes:
        sample_S: Samples from -1 to 1, [S] float32.
        rate: Samples per second.
    """

    sample_S: np.ndarray
    rate: int


@dataclass(frozen=True, slots=True)
class RecordingView:
    """One source as a page shows it.

    Attributes:
        timeline: The smoothed PMI of the whole source. Its `source` is the key.
        run: The name of the run.
        axis: The x axis of the part that is shown.
        signal: The waveform or the channels. It is empty for a text.
        pmi: One curve for each horizon.
        surprise: The score that boundaries or alarms come from, in nats.
        smooth: How many steps are averaged.
        spectrogram: The spectrogram of a recording.
        sound: The sound of a recording.
        sentences: The sentences of a text, each with its surprise.
        threshold: A score above it is an alarm. NaN means that there are no alarms.
        boundaries: Where the source changes, as x.
        alarms: The parts above the threshold, as pairs of x.
        cut: A sentence that says which part of a long source is shown.
        notes: Sentences about how the marks were found, and about what is missing.
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
