"""Pieces of sources as sources of their own: one second of a recording, say, that a model must judge without the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from torchcpc.contracts import CPCError


@dataclass(frozen=True, slots=True)
class Clip:
    """Positions start .. start+length of source `source`."""

    source: int
    start: int
    length: int


class Clips:
    """A view of other sources, clip by clip; implements `contracts.Sources`. A read never reaches beyond the clip."""

    def __init__(self, sources: Any, clips: list[Clip]) -> None:
        self.sources, self.clips = sources, clips

    def __len__(self) -> int:
        return len(self.clips)

    def length(self, index: int) -> int:
        return self.clips[index].length

    def group(self, index: int) -> int:
        return self.sources.group(self.clips[index].source)

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        clip = self.clips[index]
        return self.sources.read(clip.source, clip.start + start, max(0, min(count, clip.length - start)), rng)


def wholes(sources: Any, *, begin: float = 0.0, end: float = 1.0) -> Clips:
    """The stretch from `begin` to `end` (shares) of each source as one clip, by default all of it."""
    bounds = [(int(begin * sources.length(i)), int(end * sources.length(i))) for i in range(len(sources))]
    return Clips(sources, [Clip(i, first, last - first) for i, (first, last) in enumerate(bounds)])


def tiles(sources: Any, *, length: int, begin: float = 0.0, end: float = 1.0) -> Clips:
    """Clips of exactly `length` positions, end to end, within the stretch from `begin` to `end` (shares) of every source."""
    clips = [
        Clip(i, start, length)
        for i in range(len(sources))
        for start in range(int(begin * sources.length(i)), int(end * sources.length(i)) - length + 1, length)
    ]
    if not clips:
        raise CPCError(f"no source has {length} positions between {begin:.0%} and {end:.0%} of its length. Shorten the clips.")
    return Clips(sources, clips)


def ending(sources: Any, ends: list[tuple[int, int]], *, length: int) -> Clips:
    """For each (source, end) the `length` positions before `end`; they may overlap. Raises CPCError where there are not so many."""
    for source, end in ends:
        if not length <= end <= sources.length(source):
            raise CPCError(f"source {source} has no {length} positions before position {end} of {sources.length(source)}.")
    return Clips(sources, [Clip(source, end - length, length) for source, end in ends])
