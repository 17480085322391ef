"""Skipped files and notes in words, one line per kind, for the start of a run and its report."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from torchcpc.contracts.errors import counted
from torchcpc.contracts.sources import Skipped

# Kinds beyond this number are counted, not listed.
MOST_KINDS = 10
# Facts of one kind differ only in quoted names, paths and numbers.
_VARYING = re.compile(r"""'[^']*'|"[^"]*"|\S*/\S*|[+-]?\d[\d.,]*(?:e[+-]?\d+)?""")
# The path of a fact about a row of a table or a sequence in memory ends like this.
_PART = re.compile(r"(?:^| )(row|line|sequence) \d+$")


@dataclass(frozen=True, slots=True)
class FactGroup:
    """Facts of one kind. They differ only in numbers and names.

    Attributes:
        count: The number of facts.
        noun: What is counted, such as "file" or "row".
        first: The first of the facts.
    """

    count: int
    noun: str
    first: Skipped

    def __str__(self) -> str:
        many = f"{counted(self.count, self.noun)}, for instance " if self.count > 1 else ""
        return f"{many}{self.first.path}: {self.first.reason}"


def grouped(facts: Sequence[Skipped]) -> list[FactGroup]:
    """Return the facts grouped by kind, the most frequent kind first."""
    kinds: dict[tuple[str, str], list[Skipped]] = {}
    for fact in facts:
        kinds.setdefault((_noun(fact), _VARYING.sub("…", fact.reason)), []).append(fact)
    return sorted((FactGroup(len(alike), noun, alike[0]) for (noun, _), alike in kinds.items()), key=lambda group: -group.count)


def skip_lines(skipped: Sequence[Skipped], read: int) -> list[str]:
    """Return lines that say what was skipped: a line with the number, then one line per kind.

    Args:
        skipped: The skipped files or rows.
        read: The number of sources that were read.

    Returns:
        The lines. Empty if nothing was skipped.
    """
    counts = Counter(map(_noun, skipped))
    if not counts:
        return []
    total = f" of {counted(len(skipped) + read, next(iter(counts)))}"
    what = (
        f"{len(skipped):,}{total}" if len(counts) == 1 else " and ".join(counted(n, noun) for noun, n in sorted(counts.items()))
    )
    return [f"skipped {what}:", *(f"  {line}" for line in _listed(skipped))]


def note_lines(notes: Sequence[Skipped]) -> list[str]:
    """Return one line for each kind of decision, guess or doubt."""
    return [f"note: {line}" for line in _listed(notes)]


def _listed(facts: Sequence[Skipped]) -> list[str]:
    """Return one line per group. Groups beyond MOST_KINDS are only counted."""
    groups = grouped(facts)
    others = groups[MOST_KINDS:]
    more = [f"{sum(group.count for group in others):,} more of {len(others)} other kinds"] if others else []
    return [*map(str, groups[:MOST_KINDS]), *more]


def _noun(fact: Skipped) -> str:
    """Return what a fact is about: "row", "sequence" or "file"."""
    part = _PART.search(fact.path)
    return part[1].replace("line", "row") if part else "file"
