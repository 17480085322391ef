"""Recordings of any rate and channel count, read as one channel at one rate, by position, without loading whole files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Self

import numpy as np
import soundfile as sf
import soxr

from torchcpc.contracts import CPCError
from torchcpc.data.audio.check import Facts, inspect, mix, sift
from torchcpc.data.files.find import find
from torchcpc.data.files.found import Kind, Listed, Skipped
from torchcpc.data.files.inspection import inspect_all

# Samples, of the slower of the two rates, read on either side of an excerpt that is resampled. soxr's filter forgets what is
# farther away: 64 leave an error of 4e-5 against the whole file at any pair of rates, 128 and more that of float32 itself.
_MARGIN = 256

# Samples decoded ahead of an excerpt of an MP3 file. Its frames borrow from those before them: up to 255 bytes, where the smallest
# frame has 11 for 576 samples (511 bytes, 60 and 1152 in MPEG-1). A decoder that starts among them is silent or wrong, not refused.
_MP3_RUN_UP = 1 << 14

RATE_LIMITS = (1_000, 192_000)

# The unsupported are sound that libsndfile does not decode: told, so that a folder of them is not taken for an empty one.
SOUND = Kind(
    "recording",
    (".wav", ".flac", ".ogg", ".mp3", ".opus", ".aiff", ".aif"),
    (".m4a", ".aac", ".mp4", ".wma", ".amr"),
)


@dataclass(frozen=True, slots=True)
class Recording:
    """One usable file: what names it, what is known of it, and its shape as stored."""

    key: str
    path: Path
    group: str
    labels: Mapping[str, str]
    rate: int
    channels: int
    frames: int

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


class Recordings:
    """Sources that are recordings; implements `contracts.Sources` in samples at `rate` Hz, one channel, float32."""

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
        return sum(item.seconds for item in self.items) / 3600

    def labels(self, column: str) -> list[str]:
        """One label per recording; an empty string where it has none. `speaker` falls back to the group."""
        return [item.labels.get(column) or (item.group if column in ("speaker", "group") else "") for item in self.items]

    def select(self, indices: Sequence[int]) -> Self:
        """The recordings at `indices`, in that order; groups keep their numbers."""
        chosen = type(self)([self.items[i] for i in indices], rate=self.rate, skipped=self.skipped)
        chosen.groups, chosen._number = self.groups, self._number
        return chosen

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Samples start .. start+count: float32 [count], shorter where the recording ends. Only what is needed is decoded.

        A part equals the same part of the whole: to the bit at the stored rate, to about 1e-7 when resampled (Opus: to 5e-3, its
        decoder never quite forgets). Seeking in an MP3 file takes time in proportion to the place (2 ms a minute); elsewhere the
        cost does not grow with the recording. Raises CPCError if the file has gone or changed since the scan.
        """
        item = self.items[index]
        if start < 0:
            raise CPCError(f"start = {start} in {item.key}: positions count from 0.")
        count = min(count, self.length(index) - start)
        if count <= 0:
            return np.zeros(0, dtype=np.float32)
        if item.rate == self.rate:
            return self._decode(item, start, count)
        # Input and output samples coincide every `source` and `target` of them: an excerpt that starts there is resampled in
        # the same phase as the whole file would be.
        common = gcd(item.rate, self.rate)
        source, target = item.rate // common, self.rate // common
        margin = -(-_MARGIN * max(item.rate, self.rate) // self.rate)
        first = max(0, start * source // target - margin) // source
        stop = min(item.frames, -(-(start + count) * source // target) + margin)
        decoded = self._decode(item, first * source, stop - first * source)
        skip = start - first * target
        return np.ascontiguousarray(soxr.resample(decoded, item.rate, self.rate)[skip : skip + count], dtype=np.float32)

    def _decode(self, item: Recording, start: int, count: int) -> np.ndarray:
        try:
            with sf.SoundFile(str(item.path)) as file:
                if (file.samplerate, file.channels) != (item.rate, item.channels):
                    raise CPCError(f"{item.path} has changed since it was scanned: another rate or channel count. Scan again.")
                run_up = min(start, _MP3_RUN_UP) if file.format == "MP3" else 0
                file.seek(start - run_up)
                samples = file.read(run_up + count, dtype="float32", always_2d=True)[run_up:]
        except (sf.LibsndfileError, OSError, RuntimeError, ValueError) as error:
            raise CPCError(
                f"{item.path} could be read when it was scanned, but not now: {error}. Restore it, or scan again."
            ) from None
        if len(samples) < count:
            raise CPCError(f"{item.path} has changed since it was scanned: it ends before frame {start + count}. Scan again.")
        return mix(samples)


def scan(
    roots: Sequence[str | Path],
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    sample_rate: int = 16_000,
    minimum_seconds: float = 0.1,
) -> Recordings:
    """All usable recordings that `roots` (folders or manifests) name; the others are in `.skipped`, each with its reason.

    Every file is decoded once, unless the file `cache` remembers it. sample_rate: of what is read, Hz. progress(done, total) is
    called as files are decoded. Raises CPCError for a root that is missing or empty, and when nothing at all can be used.
    """
    if not RATE_LIMITS[0] <= sample_rate <= RATE_LIMITS[1]:
        raise CPCError(f"data.sample_rate = {sample_rate}: choose between {RATE_LIMITS[0]} and {RATE_LIMITS[1]} Hz.")
    listed, skipped = find(roots, SOUND)
    facts = inspect_all(listed, inspect, Facts, cache=cache, progress=progress)
    good, faulty = sift(listed, facts, minimum_seconds)
    skipped += faulty
    if not good:
        reasons = "; ".join(f"{s.path}: {s.reason}" for s in skipped[:3])
        raise CPCError(f"none of {len(skipped)} files can be used, for instance {reasons}. Name a folder of sound recordings.")
    return Recordings([_recording(listed[n], facts[n]) for n in good], rate=sample_rate, skipped=skipped)


def _recording(entry: Listed, fact: Facts) -> Recording:
    return Recording(entry.key, entry.path, entry.group, entry.labels, fact.rate, fact.channels, fact.frames)
