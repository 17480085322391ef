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
from torchcpc.training.state import best_of, stale

LOGGED = ("train", "valid", "warning")
OnEvent = Callable[[str, int, Metrics], None]
"""Hears (event, step, metrics). Events: "step" after every update; "train", "valid" and "warning", which metrics.jsonl holds; "best" when
the model on disk is that of this step. A run tells of "begun" before all (its folder and settings) and of "left" after all, also where it
was stopped or refused."""


def ignore(event: str, step: int, metrics: Metrics) -> None:
    """Nobody hears of events."""


class Record:
    """Events go to `on_event`, and to files where there is a folder."""

    def __init__(self, folder: Path | None, on_event: OnEvent) -> None:
        self.folder, self.on_event = folder, on_event
        self.validations: list[Metrics] = []
        self.warned: set[str] = set()

    def rewind(self, step: int) -> None:
        """Drops what came after update `step` (all, for -1), and a line torn by a kill; remembers what came before, as if never stopped."""
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
        """Tells of an event, and writes it down if it is one of metrics.jsonl."""
        if self.folder and kind in LOGGED:
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
        """A validation, and each warning that it is the first to give reason for. The untrained network gives no reason to warn."""
        self.validations.append({**metrics, "step": step})
        self.event("valid", step, metrics)
        trained = [entry for entry in self.validations if entry["step"] > 0]
        for reason in health.warnings(trained) if trained and "rank_z" in metrics else []:
            if (kind := reason.partition(":")[0]) not in self.warned:
                self.warned.add(kind)
                self.event("warning", step, {"reason": reason})

    def ended(self, step: int) -> None:
        """The end of the training. Warns where the untrained network validated best, which is then the model that is kept."""
        if self.validations and (best := self.validations[best_of(self.validations)])["step"] == 0:
            last = self.validations[-1]
            reason = (
                f"untrained: no update beat the untrained network on validation ({best['bound']:.3f} nats; after the last update "
                f"{last['bound']:.3f}), so the model is the untrained one. Train on more data, for longer (training.steps) or with a "
                "lower training.learning_rate."
            )
            self.event("warning", step, {"reason": reason})

    @property
    def stale(self) -> int:
        """Validations since the best one: a function of the log, so that a resumed run runs out of patience where it would have."""
        return stale(self.validations)

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
    if not isinstance(entry, dict) or type(entry.get("step")) is not int or entry.get("event") not in LOGGED:
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
