"""The signal of a source: the waveform of a recording, or the channels of a series."""

from collections.abc import Iterator

import numpy as np

from torchcpc.contracts import Channelled, Sources, provides
from torchcpc.recording.axis import Shown
from torchcpc.recording.result import Trace
from torchcpc.recording.thin import trace

# The most points of a waveform, and of all channels together.
MOST_WAVE_POINTS, MOST_CHANNEL_POINTS = 120_000, 200_000
# This many samples are read at once.
_SAMPLES = 1 << 20


def waveform(sources: Sources, shown: Shown) -> Trace:
    """Return the samples of a recording. In a long one, each block is drawn by its lowest and highest sample."""
    size = max(1, -(-shown.count // (MOST_WAVE_POINTS // 2)))
    block, parts = max(size, _SAMPLES // size * size), list[Trace]()
    for first in range(shown.first, shown.last, block):
        count = min(block, shown.last - first)
        x_S = (first + np.arange(count)) / shown.clock.rate
        parts.append(
            trace("amplitude", x_S, sources.read(0, first, count), max(2, 2 * -(-count // size)) if size > 1 else count)
        )
    x_P, y_P = (np.concatenate(columns) for columns in zip(*((part.x_P, part.y_P) for part in parts), strict=True))
    return Trace("amplitude", x_P, y_P, parts[0].per_point)


def channels(sources: Sources, shown: Shown) -> Iterator[Trace]:
    """Yield one curve for each channel, in the unit of the channel. A row of pictures or symbols is flattened."""
    x_SF = sources.read(0, shown.first, shown.count).reshape(shown.count, -1)
    names = list(sources.channels) if provides(sources, Channelled) else [f"value {n}" for n in range(x_SF.shape[1])]
    x_S, most = shown.rows(), max(1_000, MOST_CHANNEL_POINTS // max(1, x_SF.shape[1]))
    for name, y_S in zip(names, x_SF.T, strict=True):
        yield trace(name, x_S, y_S, most)
