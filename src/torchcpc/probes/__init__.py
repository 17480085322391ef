"""How much simple models read off the representations, beside what else could be read."""

from torchcpc.probes.question import ProbeRows, ProbeSpec
from torchcpc.probes.result import ProbeTable

__all__ = ["ProbeRows", "ProbeSpec", "ProbeTable"]
