"""Mean and spread of every channel over some sources: fitted once, on the training sources, and kept with the run."""

from collections.abc import Iterator

import numpy as np

from torchcpc.contracts import CPCError, Sources
from torchcpc.statistics.standardise import is_constant

_ROWS = 1 << 16


def channel_scale(sources: Sources) -> tuple[list[float], list[float]]:
    """(mean, standard deviation) of each channel over all observed values of all sources, in the unit of the data. Two passes in float64,
    so that a large mean costs no digits. Raises CPCError for a channel that is never observed or never changes: there is nothing in it to
    learn, and a model that was scaled by it would explode where it does change."""

    def blocks() -> Iterator[np.ndarray]:
        for index in range(len(sources)):
            for start in range(0, sources.length(index), _ROWS):
                yield sources.read(index, start, _ROWS).astype(np.float64)

    sums = ((np.isfinite(x_SF).sum(axis=0), np.where(np.isfinite(x_SF), x_SF, 0.0).sum(axis=0)) for x_SF in blocks())
    count, total = (np.asarray(sum(column)) for column in zip(*sums, strict=True))
    mean = total / np.maximum(count, 1)
    squares = sum((np.where(np.isfinite(x_SF), x_SF - mean, 0.0) ** 2).sum(axis=0) for x_SF in blocks())
    spread = np.sqrt(squares / np.maximum(count, 1))
    for channel in np.flatnonzero(is_constant(mean, spread, absolute=0.0)):
        what = f"is {mean[channel]:g} throughout" if count[channel] else "is missing in"
        raise CPCError(
            f"channel {channel} (counting from 0) {what} all {len(sources)} training sources. Leave it out: name the others in "
            "data.channels."
        )
    return mean.tolist(), spread.tolist()
