"""Encoders: one step of raw input -> one vector. Choice by name is this dict."""

from torchcpc.encoders.mel import MelEncoder
from torchcpc.encoders.pictures import PictureEncoder
from torchcpc.encoders.sensors import SensorFrames, SensorRows
from torchcpc.encoders.sentences import SentenceEncoder
from torchcpc.encoders.vectors import VectorEncoder
from torchcpc.encoders.waveform import WaveformEncoder

ENCODERS = {
    "waveform": WaveformEncoder,
    "mel": MelEncoder,
    "vectors": VectorEncoder,
    "sensor_rows": SensorRows,
    "sensor_frames": SensorFrames,
    "pictures": PictureEncoder,
    "sentences": SentenceEncoder,
}

__all__ = [
    "ENCODERS",
    "MelEncoder",
    "PictureEncoder",
    "SensorFrames",
    "SensorRows",
    "SentenceEncoder",
    "VectorEncoder",
    "WaveformEncoder",
]
