"""One source with a stretch of it in another order: what an experiment on order needs, for any reader."""

from __future__ import annotations

from typing import final

import numpy as np

from torchcpc.contracts import CPCError, Item, Sources
from torchcpc.data.sources import SourceList


@final
class Shuffled(SourceList[Item]):
    """Source `index` of `sources` alone, its steps first .. last - 1 in a random order; implements `contracts.Sources`.

    A step is `stride` raw positions, which stay together. Raises CPCError for a stretch of fewer than two steps or beyond the end.
    """

    def __init__(self, sources: Sources, index: int, first: int, last: int, *, stride: int = 1, seed: int = 0) -> None:
        item, steps = sources.items[index], sources.length(index) // stride
        if not 0 <= first < last - 1 <= steps - 1:
            raise CPCError(
                f"steps {first} to {last} of {item.key}: it has {steps}, and a stretch to shuffle needs two of them."
            )
        super().__init__([item], rate=sources.rate, groups=sources.groups)
        self._sources, self._index, self._first, self._stride = sources, index, first * stride, stride
        self.order = np.random.default_rng(seed).permutation(last - first)

    def labels(self, column: str) -> list[str]:
        """The label of the source."""
        return [self._sources.labels(column)[self._index]] * len(self)

    def length(self, index: int) -> int:
        return self._sources.length(self._index)

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Positions start .. start+count in the new order."""
        size = len(self.order) * self._stride
        begin, end = max(start, self._first), min(start + count, self._first + size)
        rows = self._sources.read(self._index, start, count, rng)
        if begin >= end:
            return rows
        stretch = self._sources.read(self._index, self._first, size, rng)
        stretch = stretch.reshape(len(self.order), self._stride, *stretch.shape[1:])[self.order].reshape(stretch.shape)
        rows = rows.copy()
        rows[begin - start : end - start] = stretch[begin - self._first : end - self._first]
        return rows
