"""Measure the mean and the standard deviation of each channel.

They are measured once, on the training sources, and kept with the run.
"""

from collections.abc import Iterator

import numpy as np

from torchcpc.contracts import CPCError, Sources
from torchcpc.statistics.standardise import is_constant

_ROWS = 1 << 16


def channel_scale(sources: Sources) -> tuple[list[float], list[float]]:
    """Return the mean and the standard deviation of each channel, over all observed values of all sources.

    They are in the unit of the data. Two passes in float64 keep all digits even if the mean is large. A channel that is
    never observed or never varies has scale 0. It holds nothing to learn, and scaled by its deviation it would make a model
    explode where it does vary.

    Args:
        sources: The training sources.

    Raises:
        CPCError: If no channel varies.
    """

    def blocks() -> Iterator[np.ndarray]:
        for index in range(len(sources)):
            for start in range(0, sources.length(index), _ROWS):
                yield sources.read(index, start, _ROWS).astype(np.float64)

    sums = ((np.isfinite(x_SF).sum(axis=0), np.where(np.isfinite(x_SF), x_SF, 0.0).sum(axis=0)) for x_SF in blocks())
    count, total = (np.asarray(sum(column)) for column in zip(*sums, strict=True))
    mean = total / np.maximum(count, 1)
    squares = sum((np.where(np.isfinite(x_SF), x_SF - mean, 0.0) ** 2).sum(axis=0) for x_SF in blocks())
    spread = np.sqrt(squares / np.maximum(count, 1))
    still = is_constant(mean, spread, relative=1e-12, absolute=0.0)
    if still.all():
        raise CPCError(
            f"none of the channels ({len(mean)}) varies in any of the {len(sources)} training sources, so there is nothing to learn. Name "
            "other data, or other channels (data.channels)."
        )
    return mean.tolist(), np.where(still, 0.0, spread).tolist()
