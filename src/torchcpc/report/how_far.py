"""The progress of a run: the updates that are done and planned, and whether it has finished."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from torchcpc.report.metrics import LoggedMetrics

# The header of a checkpoint takes about a hundred bytes for each tensor. A larger one belongs to a damaged file.
_LARGEST_HEADER = 1 << 24


@dataclass(frozen=True, slots=True)
class HowFar:
    """How far a training got.

    Attributes:
        done: The updates that the log or the checkpoint records.
        planned: The updates in the settings, or None if they are not known.
        enough: Whether training stopped early because validation no longer improved.
    """

    done: int
    planned: int | None
    enough: bool = False

    @property
    def finished(self) -> bool | None:
        """Whether training has finished, or None if that is not known."""
        return None if self.planned is None else self.enough or self.done >= self.planned


def how_far(metrics: LoggedMetrics, settings: Mapping[str, object], checkpoint: int | None) -> HowFar:
    """Return how far a training got.

    Args:
        metrics: The log.
        settings: The content of settings.json.
        checkpoint: The updates in latest.safetensors, or None without that file.
    """
    resolved = settings.get("settings")
    training = resolved.get("training") if isinstance(resolved, Mapping) else None
    training = training if isinstance(training, Mapping) else {}
    planned, patience = (n if type(n := training.get(name)) is int and n > 0 else None for name in ("steps", "patience"))
    enough = False
    if patience and metrics.valid is not None:
        bound = metrics.valid.mean("bound_per_k")
        since = len(bound) - 1 - int(np.argmax(np.where(np.isfinite(bound), bound, -np.inf)))
        enough = since >= patience
    return HowFar(max(metrics.last, checkpoint or 0), planned, enough)


def checkpoint_step(path: Path) -> int | None:
    """Return the updates that a checkpoint has seen, from the header of its file.

    For a file without that number, return None.
    """
    if not path.is_file():  # reading a pipe could block forever
        return None
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > _LARGEST_HEADER:
                return None
            step = json.loads(json.loads(file.read(size))["__metadata__"]["state"])["step"]
    except (OSError, ValueError, KeyError, TypeError, struct.error, RecursionError):
        return None
    return step if type(step) is int and 0 <= step < 1 << 53 else None
