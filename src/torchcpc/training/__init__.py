"""Training: the one loop, its schedule, its checkpoints and its warnings."""

from torchcpc.training.loop import Outcome as Outcome
from torchcpc.training.loop import fit as fit
