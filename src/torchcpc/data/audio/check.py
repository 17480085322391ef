"""What one file turns out to hold when it is decoded from start to end, and whether it can be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile as sf

from torchcpc.data.files.found import one_line
from torchcpc.data.files.inspection import Facts

# Softer than any 16-bit recording of anything: half a least significant bit would be 1.5e-5. In units of full scale.
SILENCE = 1e-4
RATES = (1_000, 768_000)
_BLOCK = 1 << 18
# Formats without a length in the header say "as long as it goes on" with a number near the largest there is.
_UNKNOWN_BYTES = 0x7FFF_0000


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
                peak = max(peak, float(np.abs(mix(block)).max())) if finite else peak
        cut = _cut_wav(path)
    except (sf.LibsndfileError, OSError, RuntimeError, ValueError) as error:
        where = f" after {frames} frames" if frames else ""
        return Facts(fault=f"unreadable{where}: {_cause(path, error)}", lasting=frames > 0)
    return Facts((rate, channels, frames), cut or _fault(rate, frames, promised, peak, finite))


def mix(block: np.ndarray) -> np.ndarray:
    """One channel from [frames, channels]: their mean; a single channel as it is."""
    return block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)


def _fault(rate: int, frames: int, promised: int, peak: float, finite: bool) -> str:
    if not RATES[0] <= rate <= RATES[1]:
        return f"sample rate {rate} Hz is outside {RATES[0]} to {RATES[1]} Hz"
    if frames < promised:
        return f"truncated: {frames} of {promised} frames can be decoded"
    if frames == 0:
        return "zero length"
    if not finite:
        return "holds NaN or infinite samples"
    if peak < SILENCE:
        return f"silent: no sample above {SILENCE:g}"
    return ""


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
