"""The list of sources that every reader is based on: items, group numbers, labels and selection.

`contracts.Sources` documents the methods.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import ClassVar, Generic, Self, TypeVar

import numpy as np

from torchcpc.contracts import CPCError, Item, Skipped, grouped
from torchcpc.data.labels import label_columns
from torchcpc.data.names import first_label, same_names

T = TypeVar("T", bound=Item)


class SourceList(ABC, Generic[T]):
    """Sources as a list of items.

    Implements `contracts.Sources` except `length` and `read`, which a reader adds. Everything specific to a source is in
    its item, so a selection is a copy with other items.

    Args:
        items: The sources.
        rate: Raw positions per second, 1 if there is no clock.
        groups: Names of the groups, by number. By default those of the items in alphabetical order.
        skipped: Files that are skipped, each with its reason.
        notes: Remarks about the sources.
    """

    noun: ClassVar[str] = "sources"
    group_columns: ClassVar[tuple[str, ...]] = ("group",)
    """Label columns that stand for the group of a source without such a label."""

    def __init__(
        self,
        items: Sequence[T],
        *,
        rate: float = 1.0,
        groups: Sequence[str] | None = None,
        skipped: Sequence[Skipped] = (),
        notes: Sequence[Skipped] = (),
    ) -> None:
        self.items, self.rate, self.skipped, self.notes = list(items), rate, list(skipped), list(notes)
        self.groups = sorted({item.group for item in items}) if groups is None else list(groups)
        self._group_numbers = {name: number for number, name in enumerate(self.groups)}

    @abstractmethod
    def length(self, index: int) -> int:
        """Return the raw positions of source `index`."""

    @abstractmethod
    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Return positions start .. start+count of source `index`, fewer where it ends."""

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        skipped = [f"{len(self.skipped):,} skipped"] if self.skipped else []
        hours = [f"{self.hours:.2f} h"] if self.hours else []
        facts = [f"{len(self):,} {self.noun}", f"{len(self.groups):,} groups", *hours, *skipped]
        return f"{type(self).__name__}({', '.join(facts)})"

    @property
    def hours(self) -> float:
        """The duration of all sources in hours, 0 if there is no clock."""
        return sum(item.seconds for item in self.items) / 3600

    def group(self, index: int) -> int:
        """Return the number of the group of source `index`, from 0."""
        return self._group_numbers[self.items[index].group]

    def labels(self, column: str) -> list[str]:
        """Return the label of each source in `column`, "" where it has none."""
        columns = same_names(column, label_columns(self.items))
        is_group = bool(same_names(column, self.group_columns))
        return [first_label(item.labels, columns) or (item.group if is_group else "") for item in self.items]

    def relabelled(self, column: str, labels: Sequence[str]) -> Self:
        """Return the same sources with new labels in `column`."""
        named = same_names(column, label_columns(self.items))
        chosen = copy(self)
        chosen.items = [
            replace(item, labels={name: old for name, old in item.labels.items() if name not in named} | {column: label})
            for item, label in zip(self.items, labels, strict=True)
        ]
        return chosen

    def replaced(self, index: int, items: Sequence[T]) -> Self:
        """Return the same sources with other items in place of one.

        Args:
            index: Number of the item to replace.
            items: The new items.
        """
        chosen = copy(self)
        chosen.items = [*self.items[:index], *items, *self.items[index + 1 :]]
        return chosen

    def select(self, indices: Sequence[int]) -> Self:
        """Return the sources at `indices`, in that order. Groups keep their numbers."""
        chosen = copy(self)
        chosen.items = [self.items[index] for index in indices]
        return chosen


def positive(start: int, item: Item) -> None:
    """Check that a read does not begin before the first position.

    Args:
        start: First position of the read.
        item: The source.

    Raises:
        CPCError: If it does.
    """
    if start < 0:
        raise CPCError(f"start = {start} in {item.key}: positions count from 0.")


def nothing_usable(skipped: Sequence[Skipped], files: str, what: str) -> CPCError:
    """Return the error for a scan that found nothing usable, with three reasons.

    Args:
        skipped: Files that are skipped, each with its reason.
        files: Noun for the files.
        what: What the user should name instead.
    """
    reasons = "; ".join(map(str, grouped(skipped)[:3]))
    return CPCError(f"none of {len(skipped)} {files} can be used: {reasons}. Name a folder of {what}.")
