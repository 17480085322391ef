"""What reading data brought to light, in words: equal facts of many files are one line, at the start of a run and in its report."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from torchcpc.contracts.errors import counted
from torchcpc.contracts.sources import Skipped

# More kinds of facts than these are counted, not listed.
MOST_KINDS = 10
# What differs between facts of one kind: quoted names, paths, numbers.
_VARYING = re.compile(r"""'[^']*'|"[^"]*"|\S*/\S*|[+-]?\d[\d.,]*(?:e[+-]?\d+)?""")
# What a fact is about, where its path says so: rows of tables, sequences in memory.
_PART = re.compile(r"(?:^| )(row|line|sequence) \d+$")


@dataclass(frozen=True, slots=True)
class FactGroup:
    """Facts of one kind, which differ at most in numbers and names: how many, of what (such as "file"), and the first of them."""

    count: int
    noun: str
    first: Skipped

    def __str__(self) -> str:
        many = f"{counted(self.count, self.noun)}, for instance " if self.count > 1 else ""
        return f"{many}{self.first.path}: {self.first.reason}"


def grouped(facts: Sequence[Skipped]) -> list[FactGroup]:
    """The facts by kind, the commonest kind first."""
    kinds: dict[tuple[str, str], list[Skipped]] = {}
    for fact in facts:
        kinds.setdefault((_noun(fact), _VARYING.sub("…", fact.reason)), []).append(fact)
    return sorted((FactGroup(len(alike), noun, alike[0]) for (noun, _), alike in kinds.items()), key=lambda group: -group.count)


def skip_lines(skipped: Sequence[Skipped], read: int) -> list[str]:
    """What was skipped beside `read` sources, one line a kind, under a line with the number; nothing where nothing was skipped."""
    counts = Counter(map(_noun, skipped))
    if not counts:
        return []
    total = f" of {counted(len(skipped) + read, next(iter(counts)))}"
    what = (
        f"{len(skipped):,}{total}" if len(counts) == 1 else " and ".join(counted(n, noun) for noun, n in sorted(counts.items()))
    )
    return [f"skipped {what}:", *(f"  {line}" for line in _listed(skipped))]


def note_lines(notes: Sequence[Skipped]) -> list[str]:
    """What was decided, guessed or doubted, one line a kind."""
    return [f"note: {line}" for line in _listed(notes)]


def _listed(facts: Sequence[Skipped]) -> list[str]:
    groups = grouped(facts)
    others = groups[MOST_KINDS:]
    more = [f"{sum(group.count for group in others):,} more of {len(others)} other kinds"] if others else []
    return [*map(str, groups[:MOST_KINDS]), *more]


def _noun(fact: Skipped) -> str:
    part = _PART.search(fact.path)
    return part[1].replace("line", "row") if part else "file"
