"""Recordings of any rate and channel count, read as one channel at one rate, by position, without loading whole files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import final

import numpy as np
import soundfile as sf
import soxr

from torchcpc.contracts import CPCError, Item, Progress, Skipped, silent
from torchcpc.data.audio.check import inspect, mix
from torchcpc.data.files.find import find
from torchcpc.data.files.found import FileKind, no_longer_readable
from torchcpc.data.files.inspection import inspect_all
from torchcpc.data.sources import SourceList, nothing_usable, positive

# Samples, of the slower of the two rates, read on either side of an excerpt that is resampled. soxr's filter forgets what is
# farther away: 64 leave an error of 4e-5 against the whole file at any pair of rates, 128 and more that of float32 itself.
_MARGIN = 256

# Samples decoded ahead of an excerpt of an MP3 file. Its frames borrow from those before them: up to 255 bytes, where the smallest
# frame has 11 for 576 samples (511 bytes, 60 and 1152 in MPEG-1). A decoder that starts among them is silent or wrong, not refused.
_MP3_RUN_UP = 1 << 14

RATE_LIMITS = (1_000, 192_000)

# The unsupported are sound that libsndfile does not decode: told, so that a folder of them is not taken for an empty one.
SOUND = FileKind(
    "recording", (".wav", ".flac", ".ogg", ".mp3", ".opus", ".aiff", ".aif"), (".m4a", ".aac", ".mp4", ".wma", ".amr")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording(Item):
    """One usable file and its shape as stored."""

    rate: int
    channels: int
    frames: int


@final
class Recordings(SourceList[Recording]):
    """Sources that are recordings; implements `contracts.Sources` in samples at `rate` Hz, one channel, float32."""

    noun = "recordings"
    group_columns = ("group", "speaker")

    def __init__(self, items: Sequence[Recording], *, rate: int = 16_000, skipped: Sequence[Skipped] = ()) -> None:
        super().__init__(items, rate=rate, skipped=skipped)
        self.sample_rate = rate

    def length(self, index: int) -> int:
        item = self.items[index]
        return item.frames * self.sample_rate // item.rate

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Samples start .. start+count: float32 [count], shorter where the recording ends. Only what is needed is decoded.

        A part equals the same part of the whole: to the bit at the stored rate, to about 1e-7 when resampled (Opus: to 5e-3, its
        decoder never quite forgets). Seeking in an MP3 file takes time in proportion to the place (2 ms a minute); elsewhere the
        cost does not grow with the recording. Raises CPCError if the file has gone or changed since the scan.
        """
        item = self.items[index]
        positive(start, item)
        count = min(count, self.length(index) - start)
        if count <= 0:
            return np.zeros(0, dtype=np.float32)
        if item.rate == self.sample_rate:
            return self._decode(item, start, count)
        # Input and output samples coincide every `source` and `target` of them: an excerpt that starts there is resampled in
        # the same phase as the whole file would be.
        common = gcd(item.rate, self.sample_rate)
        source, target = item.rate // common, self.sample_rate // common
        margin = -(-_MARGIN * max(item.rate, self.sample_rate) // self.sample_rate)
        first = max(0, start * source // target - margin) // source
        stop = min(item.frames, -(-(start + count) * source // target) + margin)
        decoded = self._decode(item, first * source, stop - first * source)
        skip = start - first * target
        return np.ascontiguousarray(soxr.resample(decoded, item.rate, self.sample_rate)[skip : skip + count], dtype=np.float32)

    def _decode(self, item: Recording, start: int, count: int) -> np.ndarray:
        try:
            with sf.SoundFile(str(item.path)) as file:
                if (file.samplerate, file.channels) != (item.rate, item.channels):
                    raise CPCError(f"{item.path} has changed since it was scanned: another rate or channel count. Scan again.")
                run_up = min(start, _MP3_RUN_UP) if file.format == "MP3" else 0
                file.seek(start - run_up)
                samples = file.read(run_up + count, dtype="float32", always_2d=True)[run_up:]
        except (sf.LibsndfileError, OSError, RuntimeError, ValueError) as error:
            raise no_longer_readable(item.path, error) from None
        if len(samples) < count:
            raise CPCError(f"{item.path} has changed since it was scanned: it ends before frame {start + count}. Scan again.")
        return mix(samples)


def scan(
    roots: Sequence[str | Path],
    cache: Path | None = None,
    progress: Progress = silent,
    *,
    sample_rate: int = 16_000,
    minimum_seconds: float = 0.1,
) -> Recordings:
    """All usable recordings of `roots`; the others are in `.skipped`, each with its reason.

    Args:
        roots: folders, manifests or single files.
        cache: file that remembers what was decoded. Each file is decoded once.
        progress: hears of the files as they are decoded.
        sample_rate: in Hz, of what is read.
        minimum_seconds: shorter recordings are skipped.

    Raises CPCError for a root that is missing or empty, and when nothing at all can be used.
    """
    if not RATE_LIMITS[0] <= sample_rate <= RATE_LIMITS[1]:
        raise CPCError(f"data.sample_rate = {sample_rate}: choose between {RATE_LIMITS[0]} and {RATE_LIMITS[1]} Hz.")
    files, skipped = find(roots, SOUND)

    def too_short(rate: int, channels: int, frames: int) -> str:
        return f"too short: {frames / rate:.3f} s of at least {minimum_seconds:g} s" if frames < minimum_seconds * rate else ""

    usable, faulty = inspect_all(files, inspect, count=3, fault=too_short, cache=cache, progress=progress)
    items = [
        Recording(file.key, file.group, file.labels, file.path, frames / rate, rate=rate, channels=channels, frames=frames)
        for file, (rate, channels, frames) in usable
    ]
    if not items:
        raise nothing_usable([*skipped, *faulty], "files", "sound recordings")
    return Recordings(items, rate=sample_rate, skipped=[*skipped, *faulty])
