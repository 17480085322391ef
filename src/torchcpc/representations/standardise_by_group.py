"""Per-speaker mean and variance normalisation, for any kind of frames and any grouping.

It uses no label: a test group is standardised by its own frames, as a system can that has heard a few sentences of a speaker. It
removes most of the speaker from CPC features (van Niekerk, Nortje, Baas, Kamper 2021, arXiv:2108.00917), and from cepstra too.
Every row of a table therefore gets it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from torchcpc.statistics.standardise import Scale


def standardise_by_group(frames: Sequence[np.ndarray], groups: Sequence[str]) -> list[np.ndarray]:
    """Brings every column of clips [T, D] to mean 0 and deviation 1 within each group. A column that is constant there becomes 0.

    groups: the group of each clip.
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
