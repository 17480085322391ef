"""The learning rate, as a pure function of the step. A checkpoint need not hold it."""

import math
from collections.abc import Callable

from torchcpc.contracts import check_choice

# Progress after the warm-up, from 0 to 1 -> factor of the peak rate. The paper has a constant rate.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "cosine": lambda progress: 0.5 * (1 + math.cos(math.pi * progress)),
    "linear": lambda progress: 1.0 - progress,
}


def learning_rate(step: int, *, peak: float, steps: int, warmup: int, schedule: str) -> float:
    """Return the learning rate of an update.

    Args:
        step: Number of the update, from 0.
        peak: Highest rate.
        steps: Number of all updates.
        warmup: Number of updates in which the rate rises linearly to `peak`.
        schedule: Name in `SCHEDULES`, for the updates after the warm-up.
    """
    check_choice("schedule", schedule, SCHEDULES)
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * SCHEDULES[schedule]((step - warmup) / max(1, steps - warmup))
