"""What a run says and keeps besides its state: metrics, warnings given once, and the best weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from torchcpc.contracts import CPCError
from torchcpc.training import checkpoint, health
from torchcpc.training.log import MetricsLog

Metrics = dict[str, Any]


class Record:
    """Events go to `on_event`, and to files where there is a folder."""

    def __init__(self, folder: Path | None, on_event: Callable[[str, int, Metrics], None]) -> None:
        self.folder, self.on_event = folder, on_event
        self.log = MetricsLog(folder / "metrics.jsonl") if folder else None
        self.validations: list[Metrics] = []
        self.warned: set[str] = set()

    def rewind(self, step: int) -> None:
        """Forgets what came after update `step`, and remembers what came before, as if never stopped."""
        for entry in self.log.rewind(step) if self.log else []:
            if entry["event"] == "valid":
                self.validations.append(entry)
            elif entry["event"] == "warning":
                self.warned.add(_kind(entry["reason"]))

    def event(self, kind: str, step: int, metrics: Metrics) -> None:
        if self.log and kind != "step":
            self.log.append(kind, step, metrics)
        self.on_event(kind, step, metrics)

    def validated(self, step: int, metrics: Metrics) -> None:
        """A validation, and each warning that it is the first to give reason for."""
        self.validations.append(metrics)
        self.event("valid", step, metrics)
        for reason in health.warnings(self.validations) if "rank_z" in metrics else []:
            if _kind(reason) not in self.warned:
                self.warned.add(_kind(reason))
                self.event("warning", step, {"reason": reason})

    @property
    def stale(self) -> int:
        """Validations since the best one: a function of the log, so that a resumed run runs out of patience where it would have."""
        bounds = [entry["bound"] for entry in self.validations]
        bounds = [-math.inf if bound is None or math.isnan(bound) else bound for bound in bounds]
        return len(bounds) - 1 - bounds.index(max(bounds)) if bounds else 0

    def keep_best(self, model: nn.Module, state: checkpoint.Progress) -> None:
        if self.folder:
            weights = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
            checkpoint.write_tensors(self.folder / "best.safetensors", weights, state)

    def require_finite(self, step: int, loss: Tensor, norm: Tensor) -> None:
        """Raises CPCError for a loss or gradient that is not a number: going on would overwrite good weights."""
        if math.isfinite(loss.item() + norm.item()):
            return
        reason = f"diverged: the loss is {loss.item():.4g} and its gradient has norm {norm.item():.4g} at update {step}"
        self.event("warning", step, {"reason": reason})
        raise CPCError(
            f"{reason}; the last checkpoint is as it was. Lower training.learning_rate, set training.clip, or use --precision 32-true."
        )


def _kind(reason: str) -> str:
    return reason.partition(":")[0]
