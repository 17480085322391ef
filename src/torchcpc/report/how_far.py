"""How far a run got: its updates done, of how many, and whether it is at its end."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from torchcpc.report.metrics import LoggedMetrics

# A checkpoint's header names a tensor in a hundred bytes; larger ones are of damaged files.
_LARGEST_HEADER = 1 << 24


@dataclass(frozen=True, slots=True)
class HowFar:
    """done: updates of which the log or the checkpoint tells; planned: of the settings, None where they say nothing; enough: training
    stopped of itself, since validation no longer improved."""

    done: int
    planned: int | None
    enough: bool = False

    @property
    def finished(self) -> bool | None:
        """Whether nothing is left to do, None where that is not known."""
        return None if self.planned is None else self.enough or self.done >= self.planned


def how_far(metrics: LoggedMetrics, settings: Mapping[str, object], checkpoint: int | None) -> HowFar:
    """From the log, the content of settings.json, and the updates that latest.safetensors has seen (None without one)."""
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
    """The updates that a checkpoint has seen, from the header of its file; None for a file that says nothing of it."""
    if not path.is_file():  # a pipe would be waited on for ever
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
