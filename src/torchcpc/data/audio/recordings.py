"""Read recordings of any rate and channel count as one channel at one rate.

Excerpts are read by position, without loading whole files.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd
from pathlib import Path
from typing import Annotated, Self, final

import numpy as np
import soxr
from annotated_types import Ge, Le

from torchcpc.contracts import CPCError, Item, NotNegative, Progress, Skipped, silent
from torchcpc.data.audio.check import APPENDED, inspect, mix, remarks
from torchcpc.data.audio.container import SOUND_HEADER
from torchcpc.data.audio.sound import READING_ERRORS, open_sound
from torchcpc.data.files.find import find
from torchcpc.data.files.found import FileKind, no_longer_readable, skip
from torchcpc.data.files.inspection import inspect_all
from torchcpc.data.labels import label_notes
from torchcpc.data.sources import SourceList, nothing_usable, positive

# Samples read on either side of a resampled excerpt, at the slower of the two rates. The filter of soxr forgets more
# distant samples: at any pair of rates, 64 leave an error of 4e-5 against the whole file, and 128 or more that of float32.
_MARGIN = 256

# Sample rates that the model may hear, in Hz.
_READ_RATES = (1_000, 192_000)

# Suffixes of the files that libsndfile reads. Files without a header are left out, since their content is unknown.
_READ = ".wav .wave .bwf .rf64 .w64 .flac .ogg .oga .opus .mp3 .mp2 .mp1 .mpga .aiff .aif .aifc .au .snd .caf .sph .nist .voc .sf .ircam"
_READ += " .svx .8svx .16svx .iff .paf .fap .pvf .avr .htk .mat .mat4 .mat5 .mpc .sds .wve .xi"
# Sound files that libsndfile does not decode. They are reported, so that a folder of them is not mistaken for an empty one.
_UNREAD = ".m4a .m4b .aac .adts .mp4 .m4v .mov .3gp .3g2 .webm .weba .mkv .mka .avi .wma .wmv .asf .amr .awb .ac3 .eac3 .dts .ape .wv .tta"
_UNREAD += " .spx .dsf .dff .ra .rm .mpeg .mpg .ogv .aa .aax .mid .midi"
SOUND = FileKind("recording", tuple(_READ.split()), tuple(_UNREAD.split()), in_parts=True, header=SOUND_HEADER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording(Item):
    """One usable recording and its shape as stored.

    Attributes:
        rate: Stored sample rate in Hz.
        channels: Stored channels.
        frames: Frames of the whole file.
        begin: First frame of the file that is read.
        end: End of the frames that are read.
        appended: Whether another recording follows in the same file.
    """

    rate: int
    channels: int
    frames: int
    begin: int
    end: int
    appended: bool = False


@final
class Recordings(SourceList[Recording]):
    """Sources that are recordings: one channel of float32 samples at `rate` Hz.

    Implements `contracts.Sources`.

    Args:
        items: Usable recordings.
        rate: Samples per second that are read, in Hz.
        skipped: Files that are skipped, each with its reason.
        notes: Remarks about the files that are read.
    """

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
        """Return the samples of recording `index`, at the rate that is read."""
        item = self.items[index]
        return item.end * self.sample_rate // item.rate - self._begin(item)

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Read samples start .. start+count of a recording.

        Only the needed part of the file is decoded. A part equals the same part of the whole recording: exactly at the
        stored rate, and to about 1e-7 after resampling. For Opus the error is up to 5e-3, because its decoder never
        quite forgets. Seeking in an MP3 file takes time in proportion to the position (2 ms per minute). In other files
        the cost does not grow with the recording.

        Args:
            index: Number of the recording.
            start: First sample, at the rate that is read.
            count: Number of samples.
            rng: Not used.

        Returns:
            Samples as float32 [count], fewer where the recording ends.

        Raises:
            CPCError: If the file is gone or has changed since the scan.
        """
        item = self.items[index]
        positive(start, item)
        count = min(count, self.length(index) - start)
        if count <= 0:
            return np.zeros(0, dtype=np.float32)
        start += self._begin(item)
        if item.rate == self.sample_rate:
            return self._decode(item, start, count)
        # Input and output samples coincide every `source` and `target` samples. An excerpt that starts there is resampled
        # in the same phase as the whole file.
        common = gcd(item.rate, self.sample_rate)
        source, target = item.rate // common, self.sample_rate // common
        margin = -(-_MARGIN * max(item.rate, self.sample_rate) // self.sample_rate)
        first = max(0, start * source // target - margin) // source
        stop = min(item.frames, -(-(start + count) * source // target) + margin)
        decoded = self._decode(item, first * source, stop - first * source)
        skip = start - first * target
        return np.ascontiguousarray(soxr.resample(decoded, item.rate, self.sample_rate)[skip : skip + count], dtype=np.float32)

    def divided(self, index: int, starts: Sequence[int]) -> Self:
        """Return the same recordings with one of them cut into stretches.

        The key of a stretch ends with its first and last sample.

        Args:
            index: Number of the recording to cut.
            starts: First sample of each stretch. A stretch reaches to the next.
        """
        item, ends = self.items[index], [*starts[1:], self.length(index)]
        bounds = [item.begin + sample * item.rate // self.sample_rate for sample in (*starts, ends[-1])]
        stretches = [
            replace(
                item,
                key=f"{item.key}@{start}-{end}",
                seconds=(end - start) / self.sample_rate,
                part_of=item.part_of or item.key,
                begin_s=begin / item.rate,
                begin=begin,
                end=stop,
            )
            for start, end, begin, stop in zip(starts, ends, bounds, bounds[1:], strict=False)
        ]
        return self.replaced(index, stretches)

    def _begin(self, item: Recording) -> int:
        """Return the sample of the file at which the recording begins."""
        return item.begin * self.sample_rate // item.rate

    def _decode(self, item: Recording, start: int, count: int) -> np.ndarray:
        try:
            with open_sound(Path(item.path or ""), item.frames, search=item.appended) as sound:
                file = sound.file
                if (file.samplerate, file.channels) != (item.rate, item.channels):
                    raise CPCError(f"{item.path} has changed since it was scanned: another rate or channel count. Scan again.")
                samples = sound.read(start, count)
        except READING_ERRORS as error:
            raise no_longer_readable(item.path, error) from None
        if len(samples) < count:
            raise CPCError(f"{item.path} has changed since it was scanned: it ends before frame {start + count}. Scan again.")
        return mix(samples)


def scan(
    roots: Sequence[str | Path],
    cache: Path | None = None,
    progress: Progress = silent,
    *,
    sample_rate: Annotated[int, Ge(_READ_RATES[0]), Le(_READ_RATES[1])] = 16_000,
    minimum_seconds: NotNegative = 0.1,
) -> Recordings:
    """Find all usable recordings.

    Files that cannot be used are listed in `.skipped`, each with its reason.

    Args:
        roots: Folders, manifests and single files.
        cache: File that stores the results of decoding, so that each file is decoded once.
        progress: Called as files are decoded.
        sample_rate: Samples per second that the model hears, in Hz. Recordings of other rates are resampled.
        minimum_seconds: Shortest recording that is used, in seconds. Shorter ones are skipped.

    Returns:
        The usable recordings.

    Raises:
        CPCError: If a root is missing or empty, or no file can be used.
    """
    if not _READ_RATES[0] <= sample_rate <= _READ_RATES[1]:
        raise CPCError(f"data.sample_rate = {sample_rate}: choose between {_READ_RATES[0]} and {_READ_RATES[1]} Hz.")
    files, skipped, notes = find(roots, SOUND)

    def too_short(rate: int, channels: int, frames: int, marks: int) -> str:
        return f"too short: {frames / rate:.3f} s of at least {minimum_seconds:g} s" if frames < minimum_seconds * rate else ""

    usable, faulty = inspect_all(files, inspect, count=4, fault=too_short, cache=cache, progress=progress)
    skipped += faulty
    items: list[Recording] = []
    for file, (rate, channels, frames, marks) in usable:
        begin, end = file.span(rate, frames)
        if fault := file.outside(frames / rate) or too_short(rate, channels, end - begin, marks):
            skipped.append(skip(file.key, fault))
            continue
        if beyond := file.beyond(frames / rate):
            notes.append(skip(file.key, beyond))
        if marks > 1:
            notes += [skip(file.path, remark) for remark in remarks(marks)]
        own = {"rate": rate, "channels": channels, "frames": frames, "begin": begin, "end": end}
        appended = bool(marks & APPENDED)
        seconds, origin = (end - begin) / rate, (file.part_of, begin / rate, file.root)
        items.append(Recording(file.key, file.group, file.labels, file.path, seconds, *origin, **own, appended=appended))
    if not items:
        raise nothing_usable(skipped, "files", "sound recordings")
    return Recordings(items, rate=sample_rate, skipped=skipped, notes=notes + label_notes(items))
