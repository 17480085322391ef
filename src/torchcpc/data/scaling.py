"""Mean and spread of every channel over some sources: fitted once, on the training sources, and kept with the run."""

from __future__ import annotations

import numpy as np

from torchcpc.contracts import CPCError, Sources

_ROWS = 1 << 16


def channel_scale(sources: Sources) -> tuple[list[float], list[float]]:
    """(mean, standard deviation) of each channel over all observed values of all sources, in the unit of the data.

    Two passes in float64, so that a large mean costs no digits. Raises CPCError for a channel that is never observed or never
    changes: there is nothing in it to learn, and a model that was scaled by it would explode where it does change.
    """
    count, total, squares = (np.zeros(0) for _ in range(3))
    mean = np.zeros(0)
    for second in range(2):
        for index in range(len(sources)):
            for start in range(0, sources.length(index), _ROWS):
                x_SF = sources.read(index, start, _ROWS).astype(np.float64)
                seen_SF = np.isfinite(x_SF)
                if not len(count):
                    count, total, squares = (np.zeros(x_SF.shape[1]) for _ in range(3))
                if not second:
                    count += seen_SF.sum(axis=0)
                    total += np.where(seen_SF, x_SF, 0.0).sum(axis=0)
                else:
                    squares += np.where(seen_SF, x_SF - mean, 0.0).__pow__(2).sum(axis=0)
        mean = total / np.maximum(count, 1)
    spread = np.sqrt(squares / np.maximum(count, 1))
    for channel in range(len(count)):
        name = f"channel {channel} (counting from 0)"
        others = "Leave it out: name the others in data.channels."
        if not count[channel]:
            raise CPCError(f"{name} is missing in all {len(sources)} training sources. {others}")
        # Rounding alone gives float32 values this much spread.
        if spread[channel] <= 1e-6 * abs(mean[channel]) or spread[channel] == 0:
            raise CPCError(f"{name} is {mean[channel]:g} throughout all {len(sources)} training sources. {others}")
    return mean.tolist(), spread.tolist()
