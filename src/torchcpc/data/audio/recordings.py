"""Recordings of any rate and channel count, read as one channel at one rate, by position, without loading whole files."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import final

import numpy as np
import soundfile as sf
import soxr

from torchcpc.contracts import CPCError, Item, Progress, Skipped, one_line, silent
from torchcpc.data.files.find import find
from torchcpc.data.files.found import FileKind, no_longer_readable, skip
from torchcpc.data.files.inspection import Facts, inspect_all
from torchcpc.data.labels import label_notes
from torchcpc.data.sources import SourceList, nothing_usable, positive

# Samples, of the slower of the two rates, read on either side of an excerpt that is resampled. soxr's filter forgets what is
# farther away: 64 leave an error of 4e-5 against the whole file at any pair of rates, 128 and more that of float32 itself.
_MARGIN = 256

# Samples decoded ahead of an excerpt of an MP3 file. Its frames borrow from those before them: up to 255 bytes, where the smallest
# frame has 11 for 576 samples (511 bytes, 60 and 1152 in MPEG-1). A decoder that starts among them is silent or wrong, not refused.
_MP3_RUN_UP = 1 << 14

# Softer than any 16-bit recording of anything: half a least significant bit would be 1.5e-5. In units of full scale.
SILENCE = 1e-4
# Hz, of files as stored, and of what is read.
_STORED_RATES, _READ_RATES = (1_000, 768_000), (1_000, 192_000)
_BLOCK = 1 << 18
# Formats without a length in the header say "as long as it goes on" with a number near the largest there is.
_UNKNOWN_BYTES = 0x7FFF_0000

# The unsupported are sound that libsndfile does not decode: told, so that a folder of them is not taken for an empty one.
SOUND = FileKind(
    "recording",
    (".wav", ".flac", ".ogg", ".mp3", ".opus", ".aiff", ".aif"),
    (".m4a", ".aac", ".mp4", ".wma", ".amr"),
    in_parts=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording(Item):
    """One usable file and its shape as stored. frames: of the file; begin, end: the frames of the file that are read."""

    rate: int
    channels: int
    frames: int
    begin: int
    end: int


@final
class Recordings(SourceList[Recording]):
    """Sources that are recordings; implements `contracts.Sources` in samples at `rate` Hz, one channel, float32."""

    noun = "recordings"
    group_columns = ("group", "speaker")

    def __init__(
        self,
        items: Sequence[Recording],
        *,
        rate: int = 16_000,
        skipped: Sequence[Skipped] = (),
        notes: Sequence[Skipped] = (),
    ) -> None:
        super().__init__(items, rate=rate, skipped=skipped, notes=notes)
        self.sample_rate = rate

    def length(self, index: int) -> int:
        item = self.items[index]
        return item.end * self.sample_rate // item.rate - self._begin(item)

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
        start += self._begin(item)
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

    def _begin(self, item: Recording) -> int:
        """The sample of the file at which the recording begins."""
        return item.begin * self.sample_rate // item.rate

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
        return _mix(samples)


def scan(
    roots: Sequence[str | Path],
    cache: Path | None = None,
    progress: Progress = silent,
    *,
    sample_rate: int = 16_000,
    minimum_seconds: float = 0.1,
) -> Recordings:
    """All usable recordings of `roots` (folders, manifests or single files); the others are in `.skipped`, each with its reason. cache:
    file that remembers what was decoded, each file once; sample_rate: in Hz, of what is read; minimum_seconds: shorter recordings are
    skipped. Raises CPCError for a root that is missing or empty, and when nothing at all can be used."""
    if not _READ_RATES[0] <= sample_rate <= _READ_RATES[1]:
        raise CPCError(f"data.sample_rate = {sample_rate}: choose between {_READ_RATES[0]} and {_READ_RATES[1]} Hz.")
    files, skipped, notes = find(roots, SOUND)

    def too_short(rate: int, channels: int, frames: int) -> str:
        return f"too short: {frames / rate:.3f} s of at least {minimum_seconds:g} s" if frames < minimum_seconds * rate else ""

    usable, faulty = inspect_all(files, inspect, count=3, fault=too_short, cache=cache, progress=progress)
    skipped += faulty
    items: list[Recording] = []
    for file, (rate, channels, frames) in usable:
        begin, end = file.span(rate, frames)
        if fault := file.outside(frames / rate) or too_short(rate, channels, end - begin):
            skipped.append(skip(file.key, fault))
            continue
        if beyond := file.beyond(frames / rate):
            notes.append(skip(file.key, beyond))
        own = {"rate": rate, "channels": channels, "frames": frames, "begin": begin, "end": end}
        seconds, origin = (end - begin) / rate, (file.part_of, begin / rate, file.root)
        items.append(Recording(file.key, file.group, file.labels, file.path, seconds, *origin, **own))
    if not items:
        raise nothing_usable(skipped, "files", "sound recordings")
    return Recordings(items, rate=sample_rate, skipped=skipped, notes=notes + label_notes(items))


def inspect(path: Path) -> Facts:
    """Rate in Hz, channels and decoded frames. The file is decoded block by block, in bounded memory; faults are not raised."""
    frames, peak, finite = 0, 0.0, True
    try:
        with sf.SoundFile(str(path)) as file:
            rate, channels, promised = file.samplerate, file.channels, file.frames
            while len(block := file.read(max(1, _BLOCK // channels), dtype="float32", always_2d=True)):
                frames += len(block)
                finite = finite and bool(np.isfinite(block).all())
                # Of the mix that will be read: channels in opposite phase are silent together.
                peak = max(peak, float(np.abs(_mix(block)).max())) if finite else peak
        cut = _cut_wav(path)
    except (sf.LibsndfileError, OSError, RuntimeError, ValueError) as error:
        where = f" after {frames} frames" if frames else ""
        return Facts(fault=f"unreadable{where}: {_cause(path, error)}", lasting=frames > 0)
    low, high = _STORED_RATES
    faults = (
        (not low <= rate <= high, f"sample rate {rate} Hz is outside {low} to {high} Hz"),
        (frames < promised, f"truncated: {frames} of {promised} frames can be decoded"),
        (frames == 0, "zero length"),
        (not finite, "holds NaN or infinite samples"),
        (peak < SILENCE, f"silent: no sample above {SILENCE:g}"),
    )
    return Facts((rate, channels, frames), cut or next((why for found, why in faults if found), ""))


def _mix(block: np.ndarray) -> np.ndarray:
    """One channel from [frames, channels]: their mean; a single channel as it is."""
    return block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)


def _cut_wav(path: Path) -> str:
    """The fault of a .wav file that ends before its data chunk does: libsndfile corrects its frame count and says nothing."""
    with path.open("rb") as file:
        if (head := file.read(12))[:4] != b"RIFF" or head[8:] != b"WAVE":
            return ""
        frame = 1
        while len(head := file.read(8)) == 8:
            name, size = head[:4], int.from_bytes(head[4:], "little")
            begin = file.tell()
            if name == b"fmt ":
                frame = max(1, int.from_bytes(file.read(16)[12:14], "little"))
            if name == b"data":
                present = path.stat().st_size - begin
                cut = size < _UNKNOWN_BYTES and size // frame > present // frame
                return f"truncated: {present} of {size} bytes of samples are there" if cut else ""
            file.seek(begin + size + size % 2)
    return ""


def _cause(path: Path, error: Exception) -> str:
    try:
        with path.open("rb") as file:
            if not file.read(1):
                return "the file is empty"
    except OSError as denied:
        return denied.strerror or "it cannot be opened"
    # libsndfile puts the path into the message, where a line break in a name would cut it.
    return one_line(Exception(error.error_string) if isinstance(error, sf.LibsndfileError) else error)
