"""Record the events of a training: metrics.jsonl, and warnings, each of which is given once.

metrics.jsonl has one JSON object a line. Lines are appended during the training. When a run resumes, the lines after its last
checkpoint are dropped.
"""

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
"""A function that hears (event, step, metrics). The events are:

- "begun": before all others, with the folder and the settings of the run;
- "step": after every update;
- "train", "valid" and "warning": the events that metrics.jsonl holds;
- "best": the model on disk is now that of this step;
- "left": after all others, even if the run was stopped or failed.
"""


def ignore(event: str, step: int, metrics: Metrics) -> None:
    """Ignore an event."""


class Record:
    """Passes events to `on_event`, and writes them to metrics.jsonl if there is a folder.

    Attributes:
        folder: Run folder, or None.
        on_event: Hears every event.
        validations: Metrics of all validations so far.
        warned: Kinds of warnings that were already given.
    """

    def __init__(self, folder: Path | None, on_event: OnEvent) -> None:
        self.folder, self.on_event = folder, on_event
        self.validations: list[Metrics] = []
        self.warned: set[str] = set()

    def rewind(self, step: int) -> None:
        """Read metrics.jsonl again, and drop the lines after update `step`. -1 drops all.

        A line that a kill left incomplete is dropped too. The record is then as if the run had never stopped.
        """
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
        """Report an event, and write it to metrics.jsonl if it belongs there."""
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
        """Report a validation and the new warnings that follow from it. The untrained network causes no warning."""
        self.validations.append({**metrics, "step": step})
        self.event("valid", step, metrics)
        trained = [entry for entry in self.validations if entry["step"] > 0]
        for reason in health.warnings(trained) if trained and "rank_z" in metrics else []:
            if (kind := reason.partition(":")[0]) not in self.warned:
                self.warned.add(kind)
                self.event("warning", step, {"reason": reason})

    def ended(self, step: int) -> None:
        """Report the end of the training. It warns if the untrained network validated best, and is therefore the kept model."""
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
        """Number of validations since the best one. It follows from the log, so a resumed run stops at the same update."""
        return stale(self.validations)

    def require_finite(self, step: int, loss: Tensor, norm: Tensor) -> None:
        """Check that the loss and the norm of the gradient are finite. Further updates would overwrite good weights.

        Raises:
            CPCError: If one of them is not finite.
        """
        if math.isfinite(loss.item() + norm.item()):
            return
        reason = f"diverged: the loss is {loss.item():.4g} and its gradient has norm {norm.item():.4g} at update {step}"
        self.event("warning", step, {"reason": reason})
        raise CPCError(
            f"{reason}; the last checkpoint is as it was. Lower training.learning_rate, set training.clip, or use --precision 32-true."
        )


def _entry(line: str) -> Metrics | None:
    """Return the event of a line. None if the line is incomplete, or lacks what a resumed run needs."""
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
    """Return whether a value is a number or null, which stands for a number that is not finite."""
    return value is None or isinstance(value, float) or (type(value) is int and abs(value) < 1 << 53)
