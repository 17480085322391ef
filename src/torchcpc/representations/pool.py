"""One vector for a whole recording from the frames it has. Which of these is used is the same for every row of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from torchcpc.contracts import CPCError


def mean(x_TD: np.ndarray) -> np.ndarray:
    """Mean over the frames: [D]."""
    return x_TD.mean(axis=0, dtype=np.float64).astype(np.float32)


def mean_and_deviation(x_TD: np.ndarray) -> np.ndarray:
    """Mean and standard deviation over the frames, the classic summary of a handmade feature: [2 D]."""
    return np.concatenate([mean(x_TD), x_TD.std(axis=0, dtype=np.float64).astype(np.float32)])


def last(x_TD: np.ndarray) -> np.ndarray:
    """The last frame, which is all that a causal context has gathered: [D]."""
    return x_TD[-1].astype(np.float32)


POOLS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"mean": mean, "mean+deviation": mean_and_deviation, "last": last}


def pooled(recordings: Iterable[np.ndarray], *, pool: str = "mean") -> np.ndarray:
    """Real frames [T, D] of each recording, without padding, into one row each: [recordings, D] or [recordings, 2 D].

    Raises CPCError for an unknown `pool` and for a recording without a frame.
    """
    if pool not in POOLS:
        raise CPCError(f"pool {pool!r} is unknown; choose one of {', '.join(POOLS)}.")
    rows = []
    for number, x_TD in enumerate(recordings):
        if len(x_TD) == 0:
            raise CPCError(f"recording {number} has no frame to pool: it is shorter than one step; leave it out.")
        rows.append(POOLS[pool](x_TD))
    return np.stack(rows)
