"""What a run says and keeps besides its state: metrics.jsonl, warnings given once, and the best weights. metrics.jsonl: one JSON object a
line, appended as the run goes, cut back to the checkpoint when it resumes."""

import json
import math
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from torchcpc.atomic import plain, write_text
from torchcpc.contracts import CPCError
from torchcpc.training import health
from torchcpc.training.health import Metrics

OnEvent = Callable[[str, int, Metrics], None]
"""Hears (event, step, metrics)."""


def ignore(event: str, step: int, metrics: Metrics) -> None:
    """Nobody hears of events."""


class Record:
    """Events go to `on_event`, and to files where there is a folder."""

    def __init__(self, folder: Path | None, on_event: OnEvent) -> None:
        self.folder, self.on_event = folder, on_event
        self.validations: list[Metrics] = []
        self.warned: set[str] = set()

    def rewind(self, step: int) -> None:
        """Drops what came after update `step`, and a line torn by a kill; remembers what came before, as if never stopped."""
        path = self.folder / "metrics.jsonl" if self.folder else None
        if path is None or not path.exists():
            return
        if not path.is_file():
            raise CPCError(f"{path} is not a file. Move it away, then resume the run.")
        lines = path.read_text(encoding="utf8", errors="replace").splitlines()
        kept = [entry for line in lines if (entry := _entry(line)) is not None and entry["step"] <= step]
        write_text(path, "".join(json.dumps(entry) + "\n" for entry in kept))
        unknown = {"bound": math.nan}
        valid = [entry for entry in kept if entry["event"] == "valid"]
        self.validations += [{**entry, **unknown} if entry["bound"] is None else entry for entry in valid]
        self.warned |= {entry["reason"].partition(":")[0] for entry in kept if entry["event"] == "warning"}

    def event(self, kind: str, step: int, metrics: Metrics) -> None:
        """Tells of an event; all but "step" are logged."""
        if self.folder and kind != "step":
            numbers = {key: value.tolist() if isinstance(value, Tensor) else value for key, value in metrics.items()}
            line = json.dumps({"event": kind, "step": step, **plain(numbers)})
            try:
                with (self.folder / "metrics.jsonl").open("a", encoding="utf8") as file:
                    file.write(line + "\n")
            except OSError as error:
                raise CPCError(
                    f"cannot write {self.folder / 'metrics.jsonl'}: {error.strerror}. The last checkpoint is kept: free some space, then "
                    "resume the run."
                ) from None
        self.on_event(kind, step, metrics)

    def validated(self, step: int, metrics: Metrics) -> None:
        """A validation, and each warning that it is the first to give reason for."""
        self.validations.append(metrics)
        self.event("valid", step, metrics)
        for reason in health.warnings(self.validations) if "rank_z" in metrics else []:
            if (kind := reason.partition(":")[0]) not in self.warned:
                self.warned.add(kind)
                self.event("warning", step, {"reason": reason})

    @property
    def stale(self) -> int:
        """Validations since the best one: a function of the log, so that a resumed run runs out of patience where it would have."""
        bounds = [entry["bound"] for entry in self.validations]
        bounds = [-math.inf if math.isnan(bound) else bound for bound in bounds]
        return len(bounds) - 1 - bounds.index(max(bounds)) if bounds else 0

    def require_finite(self, step: int, loss: Tensor, norm: Tensor) -> None:
        """Raises CPCError for a loss or gradient that is not a number: going on would overwrite good weights."""
        if math.isfinite(loss.item() + norm.item()):
            return
        reason = f"diverged: the loss is {loss.item():.4g} and its gradient has norm {norm.item():.4g} at update {step}"
        self.event("warning", step, {"reason": reason})
        raise CPCError(
            f"{reason}; the last checkpoint is as it was. Lower training.learning_rate, set training.clip, or use --precision 32-true."
        )


def _entry(line: str) -> Metrics | None:
    """The event of a line; None where the line is torn, or lacks what a resumed run goes on from."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if (
        not isinstance(entry, dict)
        or type(entry.get("step")) is not int
        or entry.get("event") not in ("train", "valid", "warning")
    ):
        return None
    if entry["event"] == "valid":
        ceilings = entry.get("ceiling_per_k", [])
        numbers = [entry.get("bound"), *(entry[name] for name in ("rank_z", "rank_c") if name in entry)]
        if "bound" not in entry or not isinstance(ceilings, list) or not all(map(_is_measured, (*numbers, *ceilings))):
            return None
    return None if entry["event"] == "warning" and not isinstance(entry.get("reason"), str) else entry


def _is_measured(value: object) -> bool:
    """Whether it is a number; null stands for one that is not finite."""
    return value is None or isinstance(value, float) or (type(value) is int and abs(value) < 1 << 53)
