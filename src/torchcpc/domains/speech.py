"""Recordings of sound."""

from torchcpc.baselines.speech import HANDMADE
from torchcpc.data.audio.recordings import scan
from torchcpc.domains.record import Domain

SPEECH = Domain(name="audio", reader=scan, handmade=HANDMADE)
