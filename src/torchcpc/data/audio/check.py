"""Check whether a sound file can be used.

Each file is decoded once, block by block. The check also collects remarks about doubtful files.
"""

from pathlib import Path

import numpy as np
import soundfile as sf

from torchcpc.contracts import one_line
from torchcpc.data.audio.sound import READING_ERRORS, Sound, open_sound
from torchcpc.data.files.inspection import Facts

# In units of full scale. No 16-bit recording is softer: half of its least significant bit is 1.5e-5.
SILENCE = 1e-4
# Sample rates of stored files, in Hz.
STORED_RATES = (1_000, 768_000)
_BLOCK = 1 << 18
# A file with more samples per byte than this, and with so many samples, is refused. Opus at 6 kbit/s has 64 samples per byte,
# and silence in FLAC has 300 or more.
_BOMB_RATIO, _BOMB_SAMPLES = 200, 1 << 28
# Unexplained bytes after the decoded samples lead to a remark if both their number and their share of the file exceed
# these.
_REST, _REST_SHARE = 4096, 0.1

STREAMED, APPENDED, REST, CLIPPED, QUIET, LOUD, OPPOSED = (2 << n for n in range(7))
REMARKS = {
    STREAMED: "its header does not give its length; it is read until decoding ends",
    APPENDED: "another recording is appended to it: only the first is read",
    REST: "more than a tenth of the file comes after its last sample and is not read",
    CLIPPED: "clipped: more than a tenth of its samples are at full scale",
    QUIET: "almost silent: no sample above a thousandth of full scale",
    LOUD: "samples far above full scale: a floating-point file may hold 16-bit numbers",
    OPPOSED: "its channels are in opposite phase and cancel each other in the mono mix",
}


def inspect(path: Path) -> Facts:
    """Decode a sound file and return what was found.

    Memory is bounded. Faults are returned, not raised.

    Args:
        path: Sound file.

    Returns:
        The rate in Hz, the channels, the decoded frames, and 1 plus the `REMARKS` that hold.
    """
    levels = _Levels()
    try:
        with open_sound(path) as sound:
            fault = _decode(sound, levels, path.stat().st_size)
            rate, channels, declared = sound.file.samplerate, sound.file.channels, sound.file.frames
            container, unread = sound.container, sound.unread()
    except READING_ERRORS as error:
        where = f" after {levels.frames} frames" if levels.frames else ""
        return Facts(fault=f"unreadable{where}: {_cause(error)}", lasting=levels.frames > 0)
    low, high = STORED_RATES
    faults = (
        (bool(fault), fault),
        (bool(container.cut), container.cut),
        (not low <= rate <= high, f"sample rate {rate} Hz is outside {low} to {high} Hz"),
        (
            levels.frames < declared and not container.streamed,
            f"truncated: {levels.frames} of {declared} frames can be decoded",
        ),
        (levels.frames == 0, "zero length"),
        (not levels.finite, "holds NaN or infinite samples"),
        (levels.peak < SILENCE, f"silent: no sample above {SILENCE:g}"),
    )
    rest = unread > _REST and unread > _REST_SHARE * container.end and not container.appended
    remarks = (
        (STREAMED, container.streamed),
        (APPENDED, container.appended),
        (REST, rest and not container.trailed),
        (CLIPPED, levels.full > levels.frames / 10),
        (QUIET, levels.peak < 1e-3),
        (LOUD, levels.peak > 8),
        (OPPOSED, levels.mixed < 0.1 * levels.apart),
    )
    marks = 1 + sum(mark for mark, holds in remarks if holds)
    return Facts((rate, channels, levels.frames, marks), next((why for found, why in faults if found), ""))


def remarks(marks: int) -> list[str]:
    """Return the remarks about a file.

    Args:
        marks: Last number that `inspect` returned for the file.
    """
    return [text for mark, text in REMARKS.items() if marks & mark]


def mix(block: np.ndarray) -> np.ndarray:
    """Mix channels to one by their mean.

    Args:
        block: Samples, [frames, channels].

    Returns:
        Samples of one channel, [frames].
    """
    return block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)


class _Levels:
    """Running statistics of the samples of a file.

    Attributes:
        frames: Frames seen so far.
        full: Samples of the mix at full scale.
        peak: Largest absolute value of the mix.
        mixed: Energy of the mix.
        apart: Mean energy of the channels.
        finite: Whether all samples are finite.
    """

    __slots__ = ("apart", "finite", "frames", "full", "mixed", "peak")

    def __init__(self) -> None:
        self.frames, self.full, self.peak, self.mixed, self.apart, self.finite = 0, 0, 0.0, 0.0, 0.0, True

    def add(self, block: np.ndarray) -> None:
        self.frames += len(block)
        if not self.finite:
            return
        channels = block.shape[1]
        # The mix is what will be read: channels in opposite phase are silent together.
        with np.errstate(over="ignore", invalid="ignore"):
            mono = mix(block)
        low, high = float(mono.min()), float(mono.max())  # NaN, if there is one
        self.finite = low > -np.inf and high < np.inf
        if not self.finite:
            return
        self.peak = max(self.peak, high, -low)
        if high > 0.999 or low < -0.999:
            self.full += int(np.count_nonzero(mono > 0.999) + np.count_nonzero(mono < -0.999))
        if channels > 1:
            self.mixed += float(np.vdot(mono, mono))
            self.apart += float(np.vdot(block, block)) / channels


def _decode(sound: Sound, levels: _Levels, size: int) -> str:
    """Decode a file into `levels`; return a fault if the file would decode without end."""
    file, channels = sound.file, sound.file.channels
    most, left = max(1, _BLOCK // channels), file.frames
    while left > 0 and len(block := file.read(min(most, left), dtype="float32", always_2d=True)):
        levels.add(block)
        left -= len(block)
        samples = levels.frames * channels
        if samples > _BOMB_SAMPLES and samples > _BOMB_RATIO * size:
            return f"refused as a decompression bomb: {size} bytes decode to more than {samples} samples"
    return ""


def _cause(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, sf.LibsndfileError):
        return error.strerror or one_line(error)
    # libsndfile puts the path into the message, where a line break in a name would cut it.
    return one_line(Exception(error.error_string) if isinstance(error, sf.LibsndfileError) else error)
