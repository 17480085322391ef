"""Recordings of any rate and channel count, read as one channel at one rate, by position, without loading whole files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import soundfile as sf
import soxr

from torchcpc.contracts import CPCError
from torchcpc.data.manifest import Listed, Skipped, find
from torchcpc.data.scan import Facts, inspect_all, sift

# Input samples read on either side of a resampled excerpt, so that its edges have the filter's whole neighbourhood.
_MARGIN = 1024


@dataclass(frozen=True, slots=True)
class Recording:
    """One usable file: what names it, what is known of it, and its shape as stored."""

    key: str
    path: Path
    group: str
    labels: dict[str, str]
    rate: int
    channels: int
    frames: int


class Recordings:
    """Sources that are recordings; implements `contracts.Sequences` in samples at `rate` Hz, one channel, float32."""

    def __init__(self, items: Sequence[Recording], *, rate: int = 16_000, skipped: Sequence[Skipped] = ()) -> None:
        self.items, self.rate, self.skipped = list(items), rate, list(skipped)
        self.groups = sorted({item.group for item in items})
        self._number = {name: number for number, name in enumerate(self.groups)}

    def __len__(self) -> int:
        return len(self.items)

    def length(self, index: int) -> int:
        item = self.items[index]
        return item.frames * self.rate // item.rate

    def group(self, index: int) -> int:
        return self._number[self.items[index].group]

    @property
    def hours(self) -> float:
        return sum(item.frames / item.rate for item in self.items) / 3600

    def labels(self, column: str) -> list[str]:
        """One label per recording; an empty string where it has none. `speaker` falls back to the group."""
        return [item.labels.get(column) or (item.group if column in ("speaker", "group") else "") for item in self.items]

    def select(self, indices: Sequence[int]) -> Self:
        """The recordings at `indices`, in that order; groups keep their numbers."""
        chosen = type(self)([self.items[i] for i in indices], rate=self.rate, skipped=self.skipped)
        chosen.groups, chosen._number = self.groups, self._number
        return chosen

    def read(self, index: int, start: int, count: int) -> np.ndarray:
        """Samples start .. start+count: float32 [count], shorter at the end. Raises CPCError if the file has gone or changed."""
        item = self.items[index]
        count = max(0, min(count, self.length(index) - start))
        if item.rate == self.rate:
            return self._decode(item, start, count)
        # On a grid of whole seconds of input, input and output samples coincide: the excerpt starts at such a
        # point, so that it is resampled in the same phase as the whole file would be.
        first = max(0, (start - _MARGIN * self.rate // item.rate) // self.rate)
        stop = -(-(start + count) * item.rate // self.rate) + _MARGIN
        decoded = self._decode(item, first * item.rate, min(stop, item.frames) - first * item.rate)
        resampled = soxr.resample(decoded, item.rate, self.rate)
        skip = start - first * self.rate
        return np.ascontiguousarray(resampled[skip : skip + count], dtype=np.float32)

    def _decode(self, item: Recording, start: int, count: int) -> np.ndarray:
        try:
            with sf.SoundFile(str(item.path)) as file:
                file.seek(start)
                samples = file.read(count, dtype="float32", always_2d=True)
        except (sf.LibsndfileError, OSError, RuntimeError) as error:
            raise CPCError(
                f"{item.path} could be read when it was scanned, but not now: {error}. Restore it, or scan again."
            ) from None
        return samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)


def scan(
    roots: Sequence[str | Path],
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    sample_rate: int = 16_000,
    minimum_seconds: float = 0.1,
) -> Recordings:
    """All usable recordings that `roots` (folders or manifests) name; the others are in `.skipped`, each with its reason.

    progress(done, total) is called as files are decoded. Raises CPCError when nothing at all can be used.
    """
    if not RATE_LIMITS[0] <= sample_rate <= RATE_LIMITS[1]:
        raise CPCError(f"data.sample_rate = {sample_rate}: choose between {RATE_LIMITS[0]} and {RATE_LIMITS[1]} Hz.")
    listed, skipped = find(roots)
    facts = inspect_all(listed, cache=cache, progress=progress)
    good, faulty = sift(listed, facts, minimum_seconds)
    skipped += faulty
    if not good:
        reasons = "; ".join(f"{s.path}: {s.reason}" for s in skipped[:3])
        raise CPCError(f"none of {len(skipped)} files can be used, for instance {reasons}. Name a folder of sound recordings.")
    return Recordings([_recording(listed[n], facts[n]) for n in good], rate=sample_rate, skipped=skipped)


RATE_LIMITS = (1_000, 192_000)


def _recording(entry: Listed, fact: Facts) -> Recording:
    return Recording(entry.key, entry.path, entry.group, entry.labels, fact.rate, fact.channels, fact.frames)
