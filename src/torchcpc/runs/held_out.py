"""Which sources a run did not learn from, and the halves of them that log Z and the evaluation need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torchcpc.contracts import CPCError, Sources
from torchcpc.data.splits import Parts, by_source

# How a score was trained -> what calibrating it should estimate.
MATCHING = {"same_group": "same_group", "same_group_excluding": "same_group"}
# Strategies whose candidates no proposal draws: of the own sequence, or of all sources and more of the own.
UNMATCHED = ("current_only", "mixed_excluding_stretch")


class HeldOut(NamedTuple):
    """Sources, the positions of those that a run did not train on, and which they are, in words."""

    sources: Sources
    indices: list[int]
    origin: str


class PartitionSplit(NamedTuple):
    """Positions of the sources that log Z is drawn from and of those that are evaluated, and where both come from, in words."""

    partition: list[int]
    evaluated: list[int]
    origin: str


def partition_split(sources: Sources, indices: Sequence[int], origin: str, *, seed: int = 0) -> PartitionSplit:
    """The sources at `indices` in two parts of equal size. Raises CPCError for fewer than two."""
    if len(indices) < 2:
        raise CPCError(
            f"{len(indices)} sources ({origin}): one part gives log Z and another is scored, so at least 2 are needed. "
            "Name more DATA, or train with more of it held out (split.validation)."
        )
    parts = by_source([sources.items[i].key for i in indices], {"partition": 0.5, "evaluated": 0.5}, seed=seed)
    return PartitionSplit([indices[i] for i in parts["partition"]], [indices[i] for i in parts["evaluated"]], origin)


def held_out(parts: Parts, *, fewest: int = 1) -> tuple[list[int], str]:
    """Positions of the sources not trained on, and which they are: those never seen, where `fewest` are, else the validation part.

    The best checkpoint was chosen on the validation part, which makes numbers from it slightly hopeful; so the words say which. Raises
    CPCError where nothing was held out.
    """
    if len(parts.unseen) >= fewest:
        return parts.unseen, "sources the run never saw"
    if not parts.validation:
        raise CPCError("the run held nothing out (split.validation = 0): name DATA that it was not trained on.")
    return parts.validation, "validation sources, on which the best checkpoint was chosen"


def matching_proposal(strategy: str | None) -> str:
    """The proposal that matches the candidates a run was trained with; "all" where that is not known."""
    return MATCHING.get(strategy or "", "all")
