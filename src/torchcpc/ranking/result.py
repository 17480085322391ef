"""How often the true future comes first among others, for every method on the same questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torchcpc.results import Interval, SavedResult, flat
from torchcpc.text_table import TextTable

CANDIDATE_POOLS = {"any source": "all the sources ranked", "same source": "the source of the context"}
"""Where the other candidates come from, in words."""
_HEADER = ("method", "top-1 %", "mean 1/rank", "CPC less this, top-1 %")


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
        return [{"pool": block.pool, "k": block.k, **flat(row)} for block in self.blocks for row in block.rows]

    def tables(self) -> Sequence[TextTable]:
        caption = f"{self.origin}; {self.runs} run{'s' if self.runs > 1 else ''}; 95 % intervals by source\n"
        made = []
        for block in self.blocks:
            caption += (
                f"k = {block.k}: the true future among {block.candidates}, others from {CANDIDATE_POOLS[block.pool]}; "
                f"{block.contexts} contexts of {block.sources} sources"
            )
            rows = [
                (
                    row.name,
                    row.top1.text(1, scale=100),
                    row.reciprocal.text(3),
                    row.gap.text(1, scale=100, sign="+") if row.gap else "",
                )
                for row in block.rows
            ]
            ranks = "; ".join(f"{row.rank.text(1)} for {row.name}" for row in block.rows)
            made.append(TextTable(_HEADER, rows, caption, [f"mean ranks: {ranks}"]))
            caption = ""
        return [*made, TextTable((), (), notes=[f"note: {note}" for note in self.notes])] if self.notes else made
