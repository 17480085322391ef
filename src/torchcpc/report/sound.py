"""A recording as text that a browser can play from within a page."""

import base64
import io

import numpy as np
import soundfile

from torchcpc.recording.result import Sound

# FLAC keeps every sample and is used up to this many bytes. Larger sounds become MP3, which takes a fifth of the size.
_MOST_LOSSLESS = 2 << 20
_MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


def as_uri(sound: Sound) -> tuple[str, str]:
    """Return a data address and the name of its encoding.

    Both encodings keep the exact length, so the cursor stays on its curve.
    """
    lossless = _encoded(sound, "FLAC", "PCM_16")
    if len(lossless) > _MOST_LOSSLESS and sound.rate in _MP3_RATES and "MP3" in soundfile.available_formats():
        return _uri("audio/mpeg", _encoded(sound, "MP3", "MPEG_LAYER_III")), "MP3"
    return _uri("audio/flac", lossless), "FLAC"


def _encoded(sound: Sound, format: str, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.clip(sound.sample_S, -1, 1), sound.rate, format=format, subtype=subtype)
    return file.getvalue()


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
