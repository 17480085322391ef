"""Which candidates go on best from one context: steps of sources, or sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

from torchcpc.results import Array, SavedResult
from torchcpc.text_table import TextTable


@dataclass(frozen=True, slots=True)
class Candidate:
    """One step, `rank` from 1 by its PMI in nats. time_s: where it begins in its source (key); true: whether it is what came."""

    rank: int
    pmi: float
    time_s: float
    step: int
    source: str
    true: bool


@dataclass(frozen=True, slots=True)
class CandidateTable(SavedResult):
    """The best candidates for k steps after `step` of `source`, and the rank of the true one among `total`."""

    FORMAT: ClassVar[int] = 1

    source: str
    step: int
    k: int
    rows: tuple[Candidate, ...]
    true_rank: int
    total: int

    def records(self) -> Sequence[Mapping[str, object]]:
        return [asdict(row) for row in self.rows]

    def tables(self) -> Sequence[TextTable]:
        header = ("rank", "PMI (nats)", "time_s", "step", "source")
        rows = [
            (str(row.rank), f"{row.pmi:.3f}", f"{row.time_s:.3f}", str(row.step), row.source + " <- the true future" * row.true)
            for row in self.rows
        ]
        caption = f"candidates for {self.source}, step {self.step} + {self.k}; the true future has rank {self.true_rank} of {self.total}"
        return [TextTable(header, rows, caption)]


@dataclass(frozen=True, slots=True)
class ContinuationTable(SavedResult):
    """Candidates for what follows a context of so many sentences, best first at k; pmi [N, K]: of each at each of `horizons`, nats."""

    FORMAT: ClassVar[int] = 1

    sentences: int
    k: int
    horizons: tuple[int, ...]
    candidates: tuple[str, ...]
    pmi: Array

    def records(self) -> Sequence[Mapping[str, object]]:
        return [
            {"rank": rank, "candidate": name, **{f"pmi_{k}": float(value) for k, value in zip(self.horizons, row, strict=True)}}
            for rank, (name, row) in enumerate(zip(self.candidates, self.pmi, strict=True), start=1)
        ]

    def tables(self) -> Sequence[TextTable]:
        header = ("rank", *(f"k = {k}" for k in self.horizons), "candidate")
        rows = [
            (str(rank), *(f"{value:.3f}" for value in row), name)
            for rank, (name, row) in enumerate(zip(self.candidates, self.pmi, strict=True), start=1)
        ]
        return [TextTable(header, rows, f"PMI in nats after {self.sentences} sentences, best first at k = {self.k}")]
