"""Pooling of the frames of a recording into one vector, and per-group normalisation of frames.

Every row of a table gets the same treatment. The normalisation uses no label. A test group is normalised by its own
frames, which a system could do after a few sentences of a speaker. This removes most of the speaker from CPC features
(van Niekerk, Nortje, Baas, Kamper 2021, arXiv:2108.00917) and from cepstra.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from torchcpc.contracts import CPCError, check_choice
from torchcpc.statistics.standardise import Scale


def mean(x_TD: np.ndarray) -> np.ndarray:
    """Return the mean over the frames: [D]."""
    return x_TD.mean(axis=0, dtype=np.float64).astype(np.float32)


def mean_and_deviation(x_TD: np.ndarray) -> np.ndarray:
    """Return the mean and the standard deviation over the frames, the classic summary of handmade features: [2 D]."""
    return np.concatenate([mean(x_TD), x_TD.std(axis=0, dtype=np.float64).astype(np.float32)])


def last(x_TD: np.ndarray) -> np.ndarray:
    """Return the last frame, in which a causal context has gathered everything: [D]."""
    return x_TD[-1].astype(np.float32)


POOLS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"mean": mean, "mean+deviation": mean_and_deviation, "last": last}


def pooled(recordings: Iterable[np.ndarray], *, pool: str = "mean") -> np.ndarray:
    """Pool the frames of each recording into one row.

    Args:
        recordings: The frames of each recording, [T, D], without padding.
        pool: "mean", "mean+deviation" or "last".

    Returns:
        One row for each recording, [recordings, D]. With "mean+deviation" it is [recordings, 2 D].

    Raises:
        CPCError: If `pool` is unknown, or if a recording has no frame.
    """
    check_choice("pool", pool, POOLS)
    rows = []
    for number, x_TD in enumerate(recordings):
        if len(x_TD) == 0:
            raise CPCError(f"recording {number} has no frame to pool: it is shorter than one step; leave it out.")
        rows.append(POOLS[pool](x_TD))
    return np.stack(rows)


def standardise_by_group(frames: Sequence[np.ndarray], groups: Sequence[str]) -> list[np.ndarray]:
    """Standardise frames within each group (per-speaker mean and variance normalisation).

    Each column gets mean 0 and deviation 1 within a group. A column that is constant within a group becomes 0.

    Args:
        frames: The frames of each clip, [T, D].
        groups: The group of each clip.

    Returns:
        The standardised frames of each clip, float32.
    """
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
