"""The learning rate as a pure function of the step: nothing to save, nothing to resume."""

import math
from collections.abc import Callable

from torchcpc.contracts import check_choice

# Progress after the warm-up, 0 to 1, -> a factor from 1 to 0: none (the paper's), half a cosine, a straight line.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "cosine": lambda progress: 0.5 * (1 + math.cos(math.pi * progress)),
    "linear": lambda progress: 1.0 - progress,
}


def learning_rate(step: int, *, peak: float, steps: int, warmup: int, schedule: str) -> float:
    """Rate of update `step` (from 0) of `steps`: a linear rise over `warmup` updates to `peak`, then the schedule."""
    check_choice("schedule", schedule, SCHEDULES)
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * SCHEDULES[schedule]((step - warmup) / max(1, steps - warmup))
