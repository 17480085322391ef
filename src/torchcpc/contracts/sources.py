"""Protocols of data sources: what every reader provides, and what only some readers provide."""

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
    """A file or a row that was skipped, and the reason. Both texts can be printed and encoded as UTF-8.

    Attributes:
        path: The file, with the row where it is about one.
        reason: Why it was skipped.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Item:
    """One source as a reader lists it. Readers add fields in subclasses.

    Args:
        key: The name of the source. It is unique among the sources.
        group: The name of its group, such as a speaker or a subject.
        labels: Its label by column.
        path: The file that holds it. None for data in memory.
        seconds: Its duration. 0 where there is no clock.
        part_of: The key of the whole file, if the source is a stretch of one. Otherwise "".
        begin_s: Where in that file it begins, in seconds.
        root: The folder or manifest through which it was found, as the user named it. "" for data in memory.
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
    """A collection of sources: recordings, pictures, documents or series. Every reader provides this protocol, and so do
    clips.

    Use `load(RUN).open(DATA)` to get sources that fit a run.
    """

    @property
    def items(self) -> Sequence[Item]:
        """The sources with their keys, groups and labels."""
        ...

    @property
    def rate(self) -> float:
        """Raw positions per second. 1 where there is no clock."""
        ...

    @property
    def hours(self) -> float:
        """The total duration in hours. 0 where there is no clock."""
        ...

    @property
    def groups(self) -> Sequence[str]:
        """The names of the groups, by number."""
        ...

    @property
    def skipped(self) -> Sequence[Skipped]:
        """Files and rows that were found but cannot be used."""
        ...

    @property
    def notes(self) -> Sequence[Skipped]:
        """Guesses and doubts about the sources that were read."""
        ...

    def __len__(self) -> int:
        """Return the number of sources."""
        ...

    def length(self, index: int) -> int:
        """Return the number of raw positions in source `index`."""
        ...

    def group(self, index: int) -> int:
        """Return the number of the group (speaker, subject) of source `index`, counted from 0."""
        ...

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Read a stretch of one source.

        Args:
            index: The number of the source.
            start: The first position.
            count: The number of positions.
            rng: Given for a training window. A reader that augments its data (crops, flips) draws from it.

        Returns:
            Positions [count, ...], fewer at the end of the source. float32, or float64 where the values are not
            centred yet.
        """
        ...

    def labels(self, column: str) -> list[str]:
        """Return one label per source. The label is "" where a source has none.

        Args:
            column: The name of the label column.
        """
        ...

    def relabelled(self, column: str, labels: Sequence[str]) -> Self:
        """Return the same sources with new labels in one column.

        Args:
            column: The name of the label column.
            labels: One label per source.
        """
        ...

    def select(self, indices: Sequence[int]) -> Self:
        """Return the sources at `indices`, in that order. Groups keep their numbers."""
        ...


@runtime_checkable
class Timed(Protocol):
    """Sources whose positions have time stamps, such as rows of sensors."""

    def times(self, index: int) -> np.ndarray:
        """Return the time of every position of one source in seconds, [S] float64."""
        ...


@runtime_checkable
class Divisible(Sources, Protocol):
    """Sources that can be cut in time."""

    def divided(self, index: int, starts: Sequence[int]) -> Self:
        """Return the sources with source `index` cut into stretches. A stretch begins at each of `starts`, reaches to
        the next, and becomes a source.
        """
        ...


@runtime_checkable
class Channelled(Protocol):
    """Sources whose positions are rows of named channels."""

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels."""
        ...


@runtime_checkable
class RowLabelled(Protocol):
    """Sources whose single positions can have labels."""

    def row_label_columns(self) -> Sequence[str]:
        """Return the label columns that at least one source has."""
        ...

    def row_labels(self, index: int, column: str) -> np.ndarray | None:
        """Return the labels [S] of the positions of one source, or None if it lacks the column."""
        ...


@runtime_checkable
class Written(Protocol):
    """Sources that are text."""

    def text(self, index: int, start: int = 0, count: int | None = None) -> list[str]:
        """Return sentences start .. start+count of source `index` as they are written. Default: all of them."""
        ...

    def every_sentence(self) -> Iterator[str]:
        """Iterate over the sentences of all sources, in bounded memory."""
        ...


def provides(sources: object, protocol: type[P]) -> TypeGuard[P]:
    """Return whether a reader provides a protocol: Timed, RowLabelled, Channelled, Divisible or Written."""
    return isinstance(sources, protocol)


def require(sources: object, protocol: type[P], need: str) -> P:
    """Return the same sources, typed as `protocol`.

    Args:
        sources: The sources.
        protocol: What they must provide.
        need: The start of the error message: who needs it, and what.

    Raises:
        CPCError: If the sources do not provide it.
    """
    if provides(sources, protocol):
        return sources
    raise CPCError(f"{need}; {type(sources).__name__.lower()} have none. Name a run on data that have them.")
