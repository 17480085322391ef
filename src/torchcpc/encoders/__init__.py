"""Encoders: one step of raw input -> one vector. Choice by name is this dict."""

from torchcpc.encoders.vectors import VectorEncoder
from torchcpc.encoders.waveform import WaveformEncoder

ENCODERS = {"waveform": WaveformEncoder, "vectors": VectorEncoder}

__all__ = ["ENCODERS", "VectorEncoder", "WaveformEncoder"]
