"""Training: the one loop, its schedule, its checkpoints and its warnings."""

from torchcpc.training.health import effective_rank
from torchcpc.training.loop import Outcome, fit
from torchcpc.training.schedule import SCHEDULES

__all__ = ["SCHEDULES", "Outcome", "effective_rank", "fit"]
