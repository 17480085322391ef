"""Sources that are already in memory: a list of arrays, one row per raw position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from torchcpc.contracts import CPCError


@dataclass(frozen=True, slots=True)
class Item:
    """One source: a unique key, the name of its group, and its labels by column."""

    key: str
    group: str
    labels: Mapping[str, str] = field(default_factory=dict)


class Arrays:
    """Sources held as float32 arrays [S, features]; implements `contracts.Sources`."""

    rate: float = 1.0  # rows have no clock of their own
    hours: float = 0.0
    skipped: tuple = ()

    def __init__(self, arrays: Sequence[np.ndarray], items: Sequence[Item]) -> None:
        if len(arrays) != len(items):
            raise CPCError(f"{len(arrays)} arrays and {len(items)} items: give one item per array.")
        for array, item in zip(arrays, items, strict=True):
            if array.ndim != 2 or not np.isfinite(array).all():
                raise CPCError(f"{item.key}: an array of shape {array.shape}; expected finite numbers [rows, features].")
        self.arrays, self.items = list(arrays), list(items)
        self.groups = sorted({item.group for item in items})
        self._number = {name: number for number, name in enumerate(self.groups)}

    def __len__(self) -> int:
        return len(self.items)

    def length(self, index: int) -> int:
        return len(self.arrays[index])

    def group(self, index: int) -> int:
        return self._number[self.items[index].group]

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        return self.arrays[index][start : start + count].astype(np.float32)

    def labels(self, column: str) -> list[str]:
        """One label per source; an empty string where a source has none."""
        return [item.group if column == "group" else str(item.labels.get(column, "")) for item in self.items]

    def select(self, indices: Sequence[int]) -> Self:
        """The sources at `indices`, in that order; groups keep their numbers."""
        chosen = type(self)([self.arrays[i] for i in indices], [self.items[i] for i in indices])
        chosen.groups, chosen._number = self.groups, self._number
        return chosen
