"""How often the true future comes first among others, for every method on the same questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torchcpc.results import Interval, SavedResult
from torchcpc.text_table import TextTable


@dataclass(frozen=True, slots=True)
class RankRow:
    """One method. role: "cpc", "handmade" or "chance"; gap: top-1 of CPC less that of this row, paired, None for CPC itself."""

    name: str
    role: str
    top1: Interval
    reciprocal: Interval
    rank: Interval
    gap: Interval | None


@dataclass(frozen=True, slots=True)
class RankBlock:
    """The methods at one horizon k, the other candidates from one pool."""

    pool: str
    k: int
    candidates: int
    contexts: int
    sources: int
    rows: tuple[RankRow, ...]


@dataclass(frozen=True, slots=True)
class RankTable(SavedResult):
    """origin: which sources were ranked, in words; runs: how many seeds; same_sources: whether all were asked the same questions."""

    FORMAT: ClassVar[int] = 2

    origin: str
    runs: int
    same_sources: bool
    blocks: tuple[RankBlock, ...]
    notes: tuple[str, ...] = ()

    def records(self) -> Sequence[Mapping[str, object]]:
        raise AssertionError("not written yet")

    def tables(self) -> Sequence[TextTable]:
        raise AssertionError("not written yet")
