"""The training time of a run, from its metrics.jsonl."""

import json
import math
from pathlib import Path
from typing import NamedTuple


class TrainingTime(NamedTuple):
    """How long a run trained.

    Attributes:
        updates: The updates.
        seconds: The time that they took, without the validations.
    """

    updates: int
    seconds: float


def training_time(folder: Path) -> TrainingTime | None:
    """Return the training time of a run.

    A line of the log has the speed since the line before it. Lines that are damaged do not count.

    Args:
        folder: The run folder.

    Returns:
        The time, or None if there is no log, for example in a saved model.
    """
    speeds: dict[int, float] = {}
    path = folder / "metrics.jsonl"
    for line in path.read_text(encoding="utf8", errors="replace").splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
            if entry["event"] == "train":
                speeds[int(entry["step"])] = float(entry["steps_per_second"])
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
            continue
    before, seconds = 0, 0.0
    for step, speed in sorted(speeds.items()):
        if step > before and speed > 0 and math.isfinite(speed):
            seconds += (step - before) / speed
            before = step
    return TrainingTime(before, seconds) if before else None
