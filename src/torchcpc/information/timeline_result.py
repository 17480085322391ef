"""How expected each step of one source was by what came before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torchcpc.results import Array, SavedResult
from torchcpc.text_table import TextTable


@dataclass(frozen=True, slots=True)
class ShuffledStretch:
    """Steps first .. last - 1 of the same source in a random order: smoothed pmi [K, T], the mean in order and shuffled at each horizon,
    and the standard error of the mean difference."""

    first: int
    last: int
    pmi: Array
    ordered_mean: tuple[float, ...]
    shuffled_mean: tuple[float, ...]
    error: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Timeline(SavedResult):
    """source: its key; unit: the word for a step; smooth: steps that are averaged; mean: PMI at each horizon, nats; pmi [K, T]:
    smoothed, NaN where nothing was predicted; marks: (step, name) of headings."""

    FORMAT: ClassVar[int] = 2

    source: str
    unit: str
    smooth: int
    horizons: tuple[int, ...]
    mean: tuple[float, ...]
    pmi: Array
    marks: tuple[tuple[int, str], ...] = ()
    shuffled: ShuffledStretch | None = None

    def records(self) -> Sequence[Mapping[str, object]]:
        raise AssertionError("not written yet")

    def tables(self) -> Sequence[TextTable]:
        raise AssertionError("not written yet")
