"""Recordings to test with: noise with a line through it, so that no two stretches are alike and every position can be told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile as sf

from torchcpc.contracts import Item
from torchcpc.data.sources import SourceList


def noise(frames: int, *, channels: int = 1, seed: int = 0) -> np.ndarray:
    """[frames, channels] float32, well inside full scale, well above silence."""
    return (0.1 * np.random.default_rng(seed).standard_normal((frames, channels))).clip(-0.9, 0.9).astype(np.float32)


def write(path: Path, frames: int = 3203, *, rate: int = 16_000, channels: int = 1, seed: int = 0, **form: str) -> np.ndarray:
    """Writes noise and returns it as it was before any coding."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = noise(frames, channels=channels, seed=seed)
    sf.write(path, samples, rate, **form)
    return samples


class Ramps(SourceList[Item]):
    """Sources whose sample at position p of source i is 1000 i + p + 1: what was read tells where it was read. Never zero."""

    def __init__(self, lengths: list[int], groups: list[int] | None = None) -> None:
        numbers = groups or list(range(len(lengths)))
        super().__init__(
            [Item(f"{i}", f"{number}", {"parity": "eo"[i % 2]}) for i, number in enumerate(numbers)],
            groups=[f"{number}" for number in range(max(numbers, default=0) + 1)],
        )
        self.lengths = lengths

    def length(self, index: int) -> int:
        return self.lengths[index]

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        return (1000.0 * index + 1 + np.arange(self.lengths[index], dtype=np.float32))[start : start + count]
