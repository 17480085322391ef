"""Whether a sound file can be used, and what is doubtful about it: it is decoded once, block by block."""

from pathlib import Path

import numpy as np
import soundfile as sf

from torchcpc.contracts import one_line
from torchcpc.data.audio.sound import READING_ERRORS, Sound, open_sound
from torchcpc.data.files.inspection import Facts

# Softer than any 16-bit recording of anything: half a least significant bit would be 1.5e-5. In units of full scale.
SILENCE = 1e-4
# Hz, of files as stored.
STORED_RATES = (1_000, 768_000)
_BLOCK = 1 << 18
# Samples in a byte, above which it is refused to decode so many of them: Opus at 6 kbit/s has 64, silence in FLAC 300 and more.
_BOMB_RATIO, _BOMB_SAMPLES = 200, 1 << 28
# Bytes behind the decoded samples, and their share of the file, that are told if nothing explains them.
_REST, _REST_SHARE = 4096, 0.1

STREAMED, APPENDED, REST, CLIPPED, QUIET, LOUD, OPPOSED = (2 << n for n in range(7))
REMARKS = {
    STREAMED: "its header does not say how long it is: read to the end of what decodes",
    APPENDED: "another recording is appended to it: only the first is read",
    REST: "more than a tenth of the file lies behind its last sample and is not read",
    CLIPPED: "clipped: more than a tenth of its samples are at full scale",
    QUIET: "almost silent: no sample above a thousandth of full scale",
    LOUD: "samples far above full scale, as where floating-point files hold 16-bit numbers",
    OPPOSED: "its channels are in opposite phase, so that they cancel in the mix to one",
}


def inspect(path: Path) -> Facts:
    """Rate in Hz, channels, decoded frames, and 1 plus the REMARKS that hold. Memory is bounded; faults are not raised."""
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
    """What is doubtful about a file, by its last number."""
    return [text for mark, text in REMARKS.items() if marks & mark]


def mix(block: np.ndarray) -> np.ndarray:
    """One channel from [frames, channels]: their mean; a single channel as it is."""
    return block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)


class _Levels:
    """What is kept of the samples of a file. full: of how many the mix is at full scale; mixed, apart: the energy of the mix, and the mean
    energy of the channels."""

    __slots__ = ("apart", "finite", "frames", "full", "mixed", "peak")

    def __init__(self) -> None:
        self.frames, self.full, self.peak, self.mixed, self.apart, self.finite = 0, 0, 0.0, 0.0, 0.0, True

    def add(self, block: np.ndarray) -> None:
        self.frames += len(block)
        if not self.finite:
            return
        channels = block.shape[1]
        # Of the mix that will be read: channels in opposite phase are silent together.
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
    """Adds every block; the fault of a file that would decode for ever."""
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
