"""Frames brought to mean 0 and deviation 1 over all that one group (speaker, subject) said, whatever features they are.

No label is used, so the group that is tested is levelled by its own frames as every other is: what a system that has heard a few
sentences of a speaker can do. It takes most of the speaker out of CPC features (van Niekerk, Nortje, Baas, Kamper 2021,
arXiv:2108.00917), and out of cepstra too; hence the same for every row of a table.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def levelled(frames: Sequence[np.ndarray], groups: Sequence[str]) -> list[np.ndarray]:
    """Clips [T, D] of any lengths, each less the mean of its group and over its deviation, column by column; a column that is
    constant within a group becomes 0. groups: the group of each clip."""
    made: list[np.ndarray] = [np.zeros(0)] * len(frames)
    for name in set(groups):
        own = [i for i, group in enumerate(groups) if group == name]
        count = sum(len(frames[i]) for i in own)
        mean_D = sum(frames[i].sum(axis=0, dtype=np.float64) for i in own) / max(count, 1)
        square_D = sum(np.square(frames[i] - mean_D).sum(axis=0) for i in own) / max(count, 1)
        # What is left of a constant column is rounding, and must not become noise of unit size.
        deviation_D = np.where(square_D > (1e-6 * np.maximum(np.abs(mean_D), 1e-12)) ** 2, np.sqrt(square_D), np.inf)
        for i in own:
            made[i] = ((frames[i] - mean_D) / deviation_D).astype(np.float32)
    return made
