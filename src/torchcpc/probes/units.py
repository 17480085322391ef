"""What the intervals of a test take for independent draws: the speakers (or other groups) that are new in it, or else its sources.

Rows of one speaker share that speaker. Where the speakers of the test were never trained on, their number limits what it can tell of
others. A group that is on both sides of the split is no such unit: its sources count one by one, as those of no known group do.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from torchcpc.contracts import Sources, Written, provides
from torchcpc.data.labels import label_columns
from torchcpc.data.names import alike, names_groups, part_of, part_of_file

# The group of a source that is in no folder.
_NO_FOLDER = "."


@dataclass(frozen=True, slots=True)
class Units:
    """name: what a unit is that is no single source ("speaker"); number_S: the unit of each source; from `groups` on a number is that of
    a single source."""

    name: str
    number_S: np.ndarray
    groups: int

    @classmethod
    def of(cls, name: str, values: Sequence[str], new: Collection[str]) -> "Units":
        """Sources that have one of the `new` values together, all others one by one."""
        number = {value: n for n, value in enumerate(sorted(set(new)))}
        numbers = [number.get(value, len(number) + source) for source, value in enumerate(values)]
        return cls(name, np.array(numbers, np.int64), len(number))

    def count(self, unit_M: np.ndarray, noun: str) -> dict[str, int]:
        """How many units of each kind there are among those of some rows. noun: the word for a source."""
        found = np.unique(unit_M)
        kinds = (self.name, int((found < self.groups).sum())), (noun, int((found >= self.groups).sum()))
        return {name: number for name, number in kinds if number}


def independent_units(
    sources: Sources, test: Collection[int], others: Collection[int], *, named: str = "", value: str = ""
) -> Units:
    """The units of a test that the sources `others` were kept out of. named: a column that an option names; value: the one value of it
    that is tested on.

    Of several columns the one that leaves the fewest units counts: what it groups shares more than its parts do. Columns of groups are
    known by their names. The value that is tested on is one unit, unless it names a part of the data or new groups are known in it."""
    columns = {name: sources.labels(name) for name in label_columns(sources.items) if names_groups(name)}
    if value and not part_of(value):
        own, inside = _new(named, sources.labels(named), test, others), _fewest(columns, test, others)
        several = bool(inside and not names_groups(named) and len(np.unique(inside.number_S[list(test)])) > 1)
        return inside if inside and several else own
    if named and not value:
        columns |= {named: sources.labels(named)}
    return _fewest(columns | _own_groups(sources, columns), test, others) or single_units(sources)


def single_units(sources: Sources) -> Units:
    """Every source by itself."""
    return Units.of("", [""] * len(sources), ())


def source_noun(sources: Sources, noun: str) -> str:
    """The word for one of these sources, which for a text of one sentence is that."""
    short = all(sources.length(i) == 1 for i in range(len(sources)))
    return "sentence" if short and provides(sources, Written) else noun


def _own_groups(sources: Sources, known: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The groups and the whole files of the sources by what they are called, but for groups that are in a column already. A folder that
    says by its name for which part it is groups nothing."""
    items = sources.items
    group, whole = [item.group for item in items], [item.part_of for item in items]
    found = {"file": whole} if any(whole) else {}
    if any(all(own in ("", value) for own, value in zip(group, values, strict=True)) for values in known.values()):
        return found
    folder = all(own == _NO_FOLDER or own in item.key.split("/")[:-1] for own, item in zip(group, items, strict=True))
    return found | {"folder" if folder else "group": ["" if own == _NO_FOLDER or part_of_file(own) else own for own in group]}


def _new(name: str, labels: Sequence[str], test: Collection[int], others: Collection[int]) -> Units:
    values = list(map(alike, labels))
    return Units.of(name, values, {values[i] for i in test} - {values[i] for i in others} - {""})


def _fewest(columns: Mapping[str, Sequence[str]], test: Collection[int], others: Collection[int]) -> Units | None:
    """The units of the column that leaves the fewest in the test; None where none leaves fewer than there are sources."""
    places = list(test)
    every = [_new(name, values, test, others) for name, values in columns.items()]
    counts = [len(np.unique(units.number_S[places])) for units in every]
    best = int(np.argmin(counts)) if counts else -1
    return every[best] if counts and counts[best] < len(places) else None
