"""Sources: what every reader of data provides, and what only some readers provide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self, TypeGuard, TypeVar, runtime_checkable

from torchcpc.contracts.errors import CPCError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file (or a row that names one) that was skipped, and why. Both fields can be printed and written as UTF-8."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Item:
    """One source as a reader lists it. Readers add fields of their own in subclasses.

    Args:
        key: Its name, unique among the sources.
        group: The name of its group, such as a speaker or a subject.
        labels: Its label by column.
        path: The file that holds it, None for data in memory.
        seconds: Its duration, 0 where there is no clock.
        part_of: The key of the whole file, where the source is a stretch of one; else "".
        begin_s: Where in that file it begins, in seconds.
        root: The folder or manifest that it was found through, as it was named; "" for data in memory.
    """

    key: str
    group: str
    labels: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None
    seconds: float = 0.0
    part_of: str = ""
    begin_s: float = 0.0
    root: str = ""


P = TypeVar("P")


class Sources(Protocol):
    """A collection of sources (recordings, pictures, documents, series): what every reader provides, clips of it too. rate: raw positions
    per second, 1 where there is no clock; hours: 0 where there is no clock; groups: the names of the groups, by number; skipped: what was
    found and cannot be used; notes: what is not read of the sources that are."""

    @property
    def items(self) -> Sequence[Item]: ...
    @property
    def rate(self) -> float: ...
    @property
    def hours(self) -> float: ...
    @property
    def groups(self) -> Sequence[str]: ...
    @property
    def skipped(self) -> Sequence[Skipped]: ...
    @property
    def notes(self) -> Sequence[Skipped]: ...

    def __len__(self) -> int: ...

    def length(self, index: int) -> int:
        """Raw positions in source `index`."""
        ...

    def group(self, index: int) -> int:
        """The group (speaker, subject) of source `index`, as a number from 0."""
        ...

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Positions start .. start+count of source `index`: float32 [count, ...], float64 where the values are not
        centred yet; shorter where the source ends. rng: for a training
        window, from which a reader that varies its sources (crops, flips) draws the variation."""
        ...

    def labels(self, column: str) -> list[str]:
        """One label per source; an empty string where a source has none."""
        ...

    def relabelled(self, column: str, labels: Sequence[str]) -> Self:
        """The same sources with one label each in `column`, in place of those they had there."""
        ...

    def select(self, indices: Sequence[int]) -> Self:
        """The sources at `indices`, in that order; groups keep their numbers."""
        ...


@runtime_checkable
class Timed(Protocol):
    """Sources whose positions bear times of their own, such as stamped sensor rows: [S] float64, in seconds."""

    def times(self, index: int) -> np.ndarray: ...


@runtime_checkable
class Divisible(Sources, Protocol):
    """Sources that can be cut in time: the same ones, source `index` as stretches that begin at `starts` and reach to the next, each a
    source of its own."""

    def divided(self, index: int, starts: Sequence[int]) -> Self: ...


@runtime_checkable
class Channelled(Protocol):
    """Sources whose positions are rows of channels with names."""

    @property
    def channels(self) -> tuple[str, ...]: ...


@runtime_checkable
class RowLabelled(Protocol):
    """Sources whose single positions can bear labels: [S], None where the source has no such column. row_label_columns: the columns that
    some source has."""

    def row_label_columns(self) -> Sequence[str]: ...
    def row_labels(self, index: int, column: str) -> np.ndarray | None: ...


@runtime_checkable
class Written(Protocol):
    """Sources that are text. text: sentences start .. start+count of source `index` as they are written, all of them by default;
    every_sentence: those of all sources, in bounded memory."""

    def text(self, index: int, start: int = 0, count: int | None = None) -> list[str]: ...
    def every_sentence(self) -> Iterator[str]: ...


def provides(sources: object, protocol: type[P]) -> TypeGuard[P]:
    """Whether a reader provides what `protocol` (Timed, RowLabelled, Channelled, Written) declares."""
    return isinstance(sources, protocol)


def require(sources: object, protocol: type[P], need: str) -> P:
    """The same sources, known to provide `protocol`. Raises CPCError otherwise; `need` begins the sentence: who needs it, and what."""
    if provides(sources, protocol):
        return sources
    raise CPCError(f"{need}; {type(sources).__name__.lower()} have none. Name a run on data that do.")
