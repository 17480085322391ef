"""Views of other sources: clips that a model must judge without the rest, and sources in a random order."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self, final

import numpy as np

from torchcpc.contracts import CPCError, Item, Sources
from torchcpc.data.sources import SourceList


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip(Item):
    """A clip of a source, with the key, group and labels of that source.

    Attributes:
        source: Number of the source.
        start: First position of the clip.
        length: Positions of the clip.
    """

    source: int
    start: int
    length: int

    @classmethod
    def of(cls, sources: Sources, source: int, start: int, length: int) -> Self:
        """Return a clip of source `source`, of `length` positions from `start` on."""
        item = sources.items[source]
        seconds = length / sources.rate if item.seconds else 0.0
        return cls(
            item.key, item.group, item.labels, item.path, seconds, root=item.root, source=source, start=start, length=length
        )


@final
class Clips(SourceList[Clip]):
    """A view of other sources, clip by clip.

    Implements `contracts.Sources`. A read never reaches beyond the clip.

    Args:
        sources: The other sources.
        clips: The clips.
    """

    noun = "clips"

    def __init__(self, sources: Sources, clips: Sequence[Clip]) -> None:
        super().__init__(clips, rate=sources.rate, groups=sources.groups, skipped=sources.skipped, notes=sources.notes)
        self.sources = sources

    def labels(self, column: str) -> list[str]:
        """Return the label of the source of each clip.

        Args:
            column: Column of the labels.
        """
        labels = self.sources.labels(column)
        return [labels[clip.source] for clip in self.items]

    def relabelled(self, column: str, labels: Sequence[str]) -> Self:
        """Refuse new labels, since clips have the labels of their sources.

        Args:
            column: Column of the labels.
            labels: Not used.

        Raises:
            CPCError: Always.
        """
        raise CPCError(f"clips have the labels of their sources: give the label {column!r} to those.")

    def length(self, index: int) -> int:
        """Return the positions of clip `index`."""
        return self.items[index].length

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Return positions start .. start+count of clip `index`."""
        clip = self.items[index]
        return self.sources.read(clip.source, clip.start + start, max(0, min(count, clip.length - start)), rng)


def wholes(sources: Sources, *, begin: float = 0.0, end: float = 1.0) -> Clips:
    """Return a stretch of each source as one clip.

    Args:
        sources: The sources.
        begin: Begin of the stretch, as a share of the source.
        end: End of the stretch, as a share of the source.
    """
    bounds = [(int(begin * sources.length(i)), int(end * sources.length(i))) for i in range(len(sources))]
    return Clips(sources, [Clip.of(sources, i, first, last - first) for i, (first, last) in enumerate(bounds)])


def tiles(sources: Sources, *, length: int, begin: float = 0.0, end: float = 1.0) -> Clips:
    """Return consecutive clips of equal length within a stretch of each source.

    Args:
        sources: The sources.
        length: Positions of a clip.
        begin: Begin of the stretch, as a share of the source.
        end: End of the stretch, as a share of the source.

    Raises:
        CPCError: If no source is long enough.
    """
    clips = [
        Clip.of(sources, i, start, length)
        for i in range(len(sources))
        for start in range(int(begin * sources.length(i)), int(end * sources.length(i)) - length + 1, length)
    ]
    if not clips:
        raise CPCError(f"no source has {length} positions between {begin:.0%} and {end:.0%} of its length. Shorten the clips.")
    return Clips(sources, clips)


def ending(sources: Sources, ends: Sequence[tuple[int, int]], *, length: int) -> Clips:
    """Return clips of equal length that end at given positions. They may overlap.

    Args:
        sources: The sources.
        ends: (source, end) of each clip.
        length: Positions of a clip.

    Raises:
        CPCError: If there are fewer positions before an end.
    """
    for source, end in ends:
        if not length <= end <= sources.length(source):
            raise CPCError(f"source {source} has no {length} positions before position {end} of {sources.length(source)}.")
    return Clips(sources, [Clip.of(sources, source, end - length, length) for source, end in ends])


@final
class Shuffled(SourceList[Item]):
    """One source with some of its steps in a random order.

    Implements `contracts.Sources`.

    Args:
        sources: Sources that hold it.
        index: Number of the source.
        first: First step that is shuffled.
        last: Step after the last that is shuffled.
        stride: Raw positions of a step, which stay together.
        seed: Seed of the order.

    Raises:
        CPCError: If the stretch has fewer than two steps, or exceeds the source.
    """

    def __init__(self, sources: Sources, index: int, first: int, last: int, *, stride: int = 1, seed: int = 0) -> None:
        item, steps = sources.items[index], sources.length(index) // stride
        if not 0 <= first < last - 1 <= steps - 1:
            raise CPCError(
                f"steps {first} to {last} of {item.key}: it has {steps}, and a stretch to shuffle needs two of them."
            )
        super().__init__([item], rate=sources.rate, groups=sources.groups)
        self._sources, self._index, self._first, self._stride = sources, index, first * stride, stride
        self.order = np.random.default_rng(seed).permutation(last - first)

    def labels(self, column: str) -> list[str]:
        """Return the label of the source.

        Args:
            column: Column of the labels.
        """
        return [self._sources.labels(column)[self._index]] * len(self)

    def length(self, index: int) -> int:
        """Return the positions of the source."""
        return self._sources.length(self._index)

    @cached_property
    def _stretch(self) -> np.ndarray:
        rows = self._sources.read(self._index, self._first, len(self.order) * self._stride)
        return rows.reshape(len(self.order), self._stride, *rows.shape[1:])[self.order].reshape(rows.shape)

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Read positions start .. start+count in the new order.

        Args:
            index: Not used.
            start: First position.
            count: Number of positions.
            rng: Source of randomness for a training window.
        """
        rows = self._sources.read(self._index, start, count, rng).copy()
        place = np.arange(start, start + len(rows)) - self._first
        within = (place >= 0) & (place < len(self._stretch))
        rows[within] = self._stretch[place[within]]
        return rows
