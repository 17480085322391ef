"""Frames of recordings made fit for a table: one vector for a whole recording, and frames brought to one scale by speaker.

Every row of a table gets the same of both. The standardisation uses no label: a test group is standardised by its own frames, as a system
can that has heard a few sentences of a speaker. It removes most of the speaker from CPC features (van Niekerk, Nortje, Baas, Kamper 2021,
arXiv:2108.00917), and from cepstra too.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from torchcpc.contracts import CPCError, check_choice
from torchcpc.statistics.standardise import Scale


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
    """Real frames [T, D] of each recording, without padding, into one row each: [recordings, D] or [recordings, 2 D]. Raises CPCError for
    an unknown `pool` and for a recording without a frame."""
    check_choice("pool", pool, POOLS)
    rows = []
    for number, x_TD in enumerate(recordings):
        if len(x_TD) == 0:
            raise CPCError(f"recording {number} has no frame to pool: it is shorter than one step; leave it out.")
        rows.append(POOLS[pool](x_TD))
    return np.stack(rows)


def standardise_by_group(frames: Sequence[np.ndarray], groups: Sequence[str]) -> list[np.ndarray]:
    """Brings every column of clips [T, D] to mean 0 and deviation 1 within each group. A column that is constant there becomes 0. groups:
    the group of each clip."""
    made: list[np.ndarray] = [np.zeros(0)] * len(frames)
    for name in set(groups):
        own = [i for i, group in enumerate(groups) if group == name]
        count = sum(len(frames[i]) for i in own)
        mean_D = sum(frames[i].sum(axis=0, dtype=np.float64) for i in own) / max(count, 1)
        square_D = sum(np.square(frames[i] - mean_D).sum(axis=0) for i in own) / max(count, 1)
        scale = Scale.from_moments(np.asarray(mean_D), np.sqrt(square_D))
        for i in own:
            made[i] = scale(frames[i]).astype(np.float32)
    return made
