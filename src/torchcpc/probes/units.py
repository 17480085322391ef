"""The independent units of a test: new speakers (or other groups), or else single sources.

The rows of one speaker are not independent. If the test speakers are not in the training part, their number limits
what the test can say about other speakers. A group on both sides of the split is not such a unit, so its sources
count one by one. Sources without a known group also count one by one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from torchcpc.contracts import Sources, Written, provides
from torchcpc.data.labels import label_columns
from torchcpc.data.names import alike, names_groups, part_of, part_of_file

# The group of a source outside any folder.
_NO_FOLDER = "."


@dataclass(frozen=True, slots=True)
class Units:
    """The unit of each source.

    Attributes:
        name: The word for a unit that is not a single source, for example "speaker".
        number_S: The number of each source's unit, [S].
        groups: Numbers from here on are units of a single source.
    """

    name: str
    number_S: np.ndarray
    groups: int

    @classmethod
    def of(cls, name: str, values: Sequence[str], new: Collection[str]) -> "Units":
        """Return units in which the sources of each `new` value belong together. All other sources count one by one."""
        number = {value: n for n, value in enumerate(sorted(set(new)))}
        numbers = [number.get(value, len(number) + source) for source, value in enumerate(values)]
        return cls(name, np.array(numbers, np.int64), len(number))

    def count(self, unit_M: np.ndarray, noun: str) -> dict[str, int]:
        """Count the units of each kind.

        Args:
            unit_M: The units of some rows.
            noun: The word for a source.

        Returns:
            The number of units by name.
        """
        found = np.unique(unit_M)
        kinds = (self.name, int((found < self.groups).sum())), (noun, int((found >= self.groups).sum()))
        return {name: number for name, number in kinds if number}


def independent_units(
    sources: Sources, test: Collection[int], others: Collection[int], *, named: str = "", value: str = ""
) -> Units:
    """Return the independent units of a test.

    Columns of groups are recognised by their names. If several columns qualify, the one with the fewest units is
    taken, because its units contain those of the others. A single value that is tested is one unit. There are two
    exceptions: it names a part of the data, or it contains known new groups.

    Args:
        sources: The sources.
        test: The test sources.
        others: The sources that train or validate.
        named: A column that an option names.
        value: The single value of that column that is tested.
    """
    columns = {name: sources.labels(name) for name in label_columns(sources.items) if names_groups(name)}
    if value and not part_of(value):
        own, inside = _new(named, sources.labels(named), test, others), _fewest(columns, test, others)
        several = bool(inside and not names_groups(named) and len(np.unique(inside.number_S[list(test)])) > 1)
        return inside if inside and several else own
    if named and not value:
        columns |= {named: sources.labels(named)}
    return _fewest(columns | _own_groups(sources, columns), test, others) or single_units(sources)


def single_units(sources: Sources) -> Units:
    """Return units of one source each."""
    return Units.of("", [""] * len(sources), ())


def source_noun(sources: Sources, noun: str) -> str:
    """Return the word for a source. A text of one sentence is called a sentence."""
    short = all(sources.length(i) == 1 for i in range(len(sources)))
    return "sentence" if short and provides(sources, Written) else noun


def _own_groups(sources: Sources, known: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the groups and whole files of the sources by name, without groups that a column already has.

    A folder whose name says which part it is groups nothing.
    """
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
    """Return the units of the column with the fewest units in the test.

    If no column has fewer units than there are sources, return None.
    """
    places = list(test)
    every = [_new(name, values, test, others) for name, values in columns.items()]
    counts = [len(np.unique(units.number_S[places])) for units in every]
    best = int(np.argmin(counts)) if counts else -1
    return every[best] if counts and counts[best] < len(places) else None
