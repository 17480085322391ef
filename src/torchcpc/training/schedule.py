"""The learning rate as a pure function of the step: nothing to save, nothing to resume."""

from __future__ import annotations

import math
from collections.abc import Callable

from torchcpc.contracts import CPCError


def constant(progress: float) -> float:
    """No decay: the paper's."""
    return 1.0


def cosine(progress: float) -> float:
    """Half a cosine from 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def linear(progress: float) -> float:
    """A straight line from 1 to 0."""
    return 1.0 - progress


# Each maps progress after the warm-up, 0 to 1, to a factor.
SCHEDULES: dict[str, Callable[[float], float]] = {"constant": constant, "cosine": cosine, "linear": linear}


def learning_rate(step: int, *, peak: float, steps: int, warmup: int, schedule: str) -> float:
    """Rate of update `step` (from 0) of `steps`: a linear rise over `warmup` updates to `peak`, then the schedule."""
    if schedule not in SCHEDULES:
        raise CPCError(f"schedule = {schedule!r} is unknown. Choose one of {', '.join(SCHEDULES)}.")
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * SCHEDULES[schedule]((step - warmup) / max(1, steps - warmup))
