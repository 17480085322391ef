"""Raw input beside its labels, for the network that is trained on them from end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from torchcpc.contracts import Encoder
from torchcpc.data.clips import Clips
from torchcpc.data.windows import cut
from torchcpc.probes.rows import ClipRows

# Clips in a batch.
_BATCH = 16


@dataclass(frozen=True, slots=True)
class LabelledClips:
    """One part of a task as whole clips: `draw` gives random batches of them, `batches` all of them in order."""

    clips: Clips
    encoder: Encoder
    rows: Sequence[ClipRows]
    seed: int

    def draw(self, step: int, rank: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """A batch of clips drawn uniformly with replacement and varied as in pre-training, a function of (seed, step, rank)."""
        rng = np.random.default_rng((self.seed, step, rank))
        return self._batch([self.rows[n] for n in rng.integers(len(self.rows), size=_BATCH)], rng)

    def batches(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Every clip once, in order."""
        return [self._batch(self.rows[n : n + _BATCH]) for n in range(0, len(self.rows), _BATCH)]

    def _batch(self, chosen: Sequence[ClipRows], rng: np.random.Generator | None = None) -> tuple[Tensor, Tensor, Tensor]:
        indices = [rows.clip for rows in chosen]
        length = max(self.clips.length(i) for i in indices)
        window = cut(self.clips, indices, [0] * len(indices), length, rng)
        valid_BT = self.encoder.steps(window).valid
        if chosen[0].steps is None:
            return window.x, valid_BT, torch.tensor([int(rows.y[0]) for rows in chosen])
        labels_BT = torch.full(valid_BT.shape, -1)
        for labels_T, rows in zip(labels_BT, chosen, strict=True):
            assert rows.steps is not None  # all clips of a task are rows as a whole, or none is
            labels_T[torch.from_numpy(rows.steps)] = torch.from_numpy(rows.y)
        return window.x, valid_BT, labels_BT
