"""The result of a ranking: how often the true future comes first, for every method on the same questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torchcpc.results import Interval, SavedResult, flat
from torchcpc.text_table import TextTable

CANDIDATE_POOLS = {"any source": "all the sources ranked", "same source": "the source of the context"}
"""Where the other candidates come from, in words."""
_HEADER = ("method", "top-1 %", "mean 1/rank", "CPC minus this, top-1 %")


@dataclass(frozen=True, slots=True)
class RankRow:
    """One method.

    Attributes:
        name: The method.
        role: "cpc", "handmade" or "chance".
        top1: How often the true future comes first, a share.
        reciprocal: The mean of 1 / rank.
        rank: The mean rank, from 1.
        gap: Top-1 of CPC minus that of this row, paired. None for CPC itself.
    """

    name: str
    role: str
    top1: Interval
    reciprocal: Interval
    rank: Interval
    gap: Interval | None


@dataclass(frozen=True, slots=True)
class RankBlock:
    """All methods at one horizon, with the other candidates from one pool.

    Attributes:
        pool: The pool, a name of CANDIDATE_POOLS.
        k: Steps ahead.
        candidates: The number of candidates of each question.
        contexts: The number of questions.
        sources: The number of sources.
        rows: One row per method.
    """

    pool: str
    k: int
    candidates: int
    contexts: int
    sources: int
    rows: tuple[RankRow, ...]


@dataclass(frozen=True, slots=True)
class RankTable(SavedResult):
    """How often the true future comes first among other candidates.

    Attributes:
        origin: Which sources were ranked, in words.
        runs: The number of seeds.
        same_sources: Whether all seeds had the same questions.
        blocks: One block per pool and horizon.
        notes: Notes to the reader.
    """

    FORMAT: ClassVar[int] = 2

    origin: str
    runs: int
    same_sources: bool
    blocks: tuple[RankBlock, ...]
    notes: tuple[str, ...] = ()

    def records(self) -> Sequence[Mapping[str, object]]:
        """Return one record per pool, horizon and method."""
        return [{"pool": block.pool, "k": block.k, **flat(row)} for block in self.blocks for row in block.rows]

    def tables(self) -> Sequence[TextTable]:
        """Return one table per pool and horizon, and the notes."""
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
