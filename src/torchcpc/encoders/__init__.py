"""Encoders, which turn each step of raw input into one vector. `ENCODERS` lists them by name."""

from torchcpc.encoders.mel import MelEncoder as MelEncoder
from torchcpc.encoders.pictures import PictureEncoder as PictureEncoder
from torchcpc.encoders.sensors import SensorFrames as SensorFrames
from torchcpc.encoders.sensors import SensorRows as SensorRows
from torchcpc.encoders.sentences import SentenceEncoder as SentenceEncoder
from torchcpc.encoders.vectors import VectorEncoder as VectorEncoder
from torchcpc.encoders.waveform import WaveformEncoder as WaveformEncoder

ENCODERS = {
    "waveform": WaveformEncoder,
    "mel": MelEncoder,
    "vectors": VectorEncoder,
    "sensor_rows": SensorRows,
    "sensor_frames": SensorFrames,
    "pictures": PictureEncoder,
    "sentences": SentenceEncoder,
}
