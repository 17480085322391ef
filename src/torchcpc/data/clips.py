"""Views of other sources: pieces that a model must judge without the rest (one second of a recording, say), and one in another order."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self, final

import numpy as np

from torchcpc.contracts import CPCError, Item, Sources
from torchcpc.data.sources import SourceList


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip(Item):
    """Positions start .. start+length of source `source`, with the key, group and labels of that source."""

    source: int
    start: int
    length: int

    @classmethod
    def of(cls, sources: Sources, source: int, start: int, length: int) -> Self:
        item = sources.items[source]
        seconds = length / sources.rate if item.seconds else 0.0
        return cls(
            item.key, item.group, item.labels, item.path, seconds, root=item.root, source=source, start=start, length=length
        )


@final
class Clips(SourceList[Clip]):
    """A view of other sources, clip by clip; implements `contracts.Sources`. A read never reaches beyond the clip."""

    noun = "clips"

    def __init__(self, sources: Sources, clips: Sequence[Clip]) -> None:
        super().__init__(clips, rate=sources.rate, groups=sources.groups, skipped=sources.skipped, notes=sources.notes)
        self.sources = sources

    def labels(self, column: str) -> list[str]:
        """The label of each clip's source."""
        labels = self.sources.labels(column)
        return [labels[clip.source] for clip in self.items]

    def relabelled(self, column: str, labels: Sequence[str]) -> Self:
        """Raises CPCError: clips have the labels of their sources."""
        raise CPCError(f"clips have the labels of their sources: give the label {column!r} to those.")

    def length(self, index: int) -> int:
        return self.items[index].length

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        clip = self.items[index]
        return self.sources.read(clip.source, clip.start + start, max(0, min(count, clip.length - start)), rng)


def wholes(sources: Sources, *, begin: float = 0.0, end: float = 1.0) -> Clips:
    """The stretch from `begin` to `end` (shares) of each source as one clip, by default all of it."""
    bounds = [(int(begin * sources.length(i)), int(end * sources.length(i))) for i in range(len(sources))]
    return Clips(sources, [Clip.of(sources, i, first, last - first) for i, (first, last) in enumerate(bounds)])


def tiles(sources: Sources, *, length: int, begin: float = 0.0, end: float = 1.0) -> Clips:
    """Clips of exactly `length` positions, end to end, within the stretch from `begin` to `end` (shares) of every source."""
    clips = [
        Clip.of(sources, i, start, length)
        for i in range(len(sources))
        for start in range(int(begin * sources.length(i)), int(end * sources.length(i)) - length + 1, length)
    ]
    if not clips:
        raise CPCError(f"no source has {length} positions between {begin:.0%} and {end:.0%} of its length. Shorten the clips.")
    return Clips(sources, clips)


def ending(sources: Sources, ends: Sequence[tuple[int, int]], *, length: int) -> Clips:
    """For each (source, end) the `length` positions before `end`; they may overlap. Raises CPCError where there are not so many."""
    for source, end in ends:
        if not length <= end <= sources.length(source):
            raise CPCError(f"source {source} has no {length} positions before position {end} of {sources.length(source)}.")
    return Clips(sources, [Clip.of(sources, source, end - length, length) for source, end in ends])


@final
class Shuffled(SourceList[Item]):
    """Source `index` of `sources` alone, its steps first .. last - 1 in a random order; implements `contracts.Sources`. A step is `stride`
    raw positions, which stay together. Raises CPCError for a stretch of fewer than two steps or beyond the end."""

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
        """The label of the source."""
        return [self._sources.labels(column)[self._index]] * len(self)

    def length(self, index: int) -> int:
        return self._sources.length(self._index)

    @cached_property
    def _stretch(self) -> np.ndarray:
        rows = self._sources.read(self._index, self._first, len(self.order) * self._stride)
        return rows.reshape(len(self.order), self._stride, *rows.shape[1:])[self.order].reshape(rows.shape)

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Positions start .. start+count in the new order."""
        rows = self._sources.read(self._index, start, count, rng).copy()
        place = np.arange(start, start + len(rows)) - self._first
        within = (place >= 0) & (place < len(self._stretch))
        rows[within] = self._stretch[place[within]]
        return rows
