"""Raw input beside its labels, for the network that is trained on them from end to end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torchcpc.contracts import Sources
from torchcpc.data.windows import cut


class LabelledSources:
    """One part of a task as whole sources: `draw` gives random batches of them, `batches` all of them in order.

    steps: for each source used, the steps that bear labels, or None where the source has one label as a whole; y: their classes.
    """

    def __init__(
        self,
        sequences: Sources,
        encoder: Any,
        used: Sequence[int],
        steps: Sequence[np.ndarray | None],
        y: Sequence[np.ndarray],
        *,
        batch: int = 16,
        seed: int = 0,
    ) -> None:
        self.sequences, self.encoder, self.used, self.steps, self.y = sequences, encoder, used, steps, y
        self.batch, self.seed = batch, seed

    def draw(self, step: int, rank: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """A batch of sources drawn uniformly with replacement and varied as in pre-training, a function of (seed, step, rank)."""
        rng = np.random.default_rng((self.seed, step, rank))
        return self._batch(rng.integers(len(self.used), size=self.batch).tolist(), rng)

    def batches(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Every source once, in order."""
        places = range(len(self.used))
        return [self._batch(list(places[n : n + self.batch])) for n in range(0, len(places), self.batch)]

    def _batch(self, places: list[int], rng: np.random.Generator | None = None) -> tuple[Tensor, Tensor, Tensor]:
        indices = [self.used[place] for place in places]
        length = max(self.sequences.length(i) for i in indices)
        window = cut(self.sequences, indices, [0] * len(indices), length, rng)
        valid_BT = self.encoder.steps(window).valid
        if self.steps[places[0]] is None:
            return window.x, valid_BT, torch.tensor([int(self.y[place][0]) for place in places])
        labels_BT = torch.full(valid_BT.shape, -1)
        for row, place in zip(labels_BT, places, strict=True):
            row[torch.from_numpy(self.steps[place])] = torch.from_numpy(self.y[place])
        return window.x, valid_BT, labels_BT
