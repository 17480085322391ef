"""How far a run got. This is read from its folder without loading torch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torchcpc.contracts import CPCError, one_line
from torchcpc.results import read_json
from torchcpc.training.state import BEST, LATEST, RunState, read_state, stale


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far the run in `folder` got.

    Attributes:
        folder: Run folder.
        step: Updates done, up to the last checkpoint.
        steps: Updates of the whole training.
        best: State at the best validation, whose weights the model has. None before the first.
        ended: Whether nothing is left to do.
        patience: Number of validations without a new best that ended the run early, 0 if it did not end early.
    """

    folder: Path
    step: int
    steps: int
    best: RunState | None
    ended: bool
    patience: int

    def of_best(self) -> str:
        """Return in words which update the saved model comes from."""
        if self.best is None or self.best.best is None:
            return "there was no validation yet"
        whose = f"update {self.best.step:,}" if self.best.step else "update 0, the untrained network"
        return f"best validation bound {self.best.best:.3f} nats at {whose}"

    def note(self) -> str:
        """Return a note for users of an unfinished run or of an untrained model, or "" if nothing need be said."""
        if not self.ended and self.best is not None:
            at = (
                f"at update {self.step:,} of {self.steps:,}"
                if self.step
                else f"before its first checkpoint of {self.steps:,} updates"
            )
            return (
                f"note: {self.folder} is unfinished, {at} ({self.of_best()}, which is the model used here). Continue with: "
                f"cpc train --resume {self.folder}"
            )
        if self.best is not None and self.best.step == 0:
            return f"warning: the model of {self.folder} is the untrained network: no update beat it on validation."
        return ""

    def resumed(self) -> str:
        """Return the first note of a resumed run."""
        if not self.ended:
            return f"continuing {self.folder} at update {self.step:,} of {self.steps:,}"
        if self.patience:
            after = (
                f"stopped early at update {self.step:,} of {self.steps:,}, after {self.patience} validations without a new best"
            )
            return f"{self.folder} {after}: nothing to do. To train longer, start a new run with a larger training.patience."
        done = f"{self.folder} already has all its {self.steps:,} updates: nothing to do."
        return f"{done} To train longer, start a new run with more training.steps."


def standing(folder: Path) -> Standing:
    """Return how far the run in `folder` got.

    Raises:
        CPCError: For a folder without settings, and for a damaged checkpoint.
    """
    path = folder / "settings.json"
    try:
        training = read_json(path)["settings"]["training"]
        steps, patience = int(training["steps"]), int(training.get("patience", 0))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CPCError(f"{path} is damaged ({one_line(error)}). Restore it, or start a new run.") from None
    latest, best = (read_state(path) if (path := folder / name).exists() else None for name in (LATEST, BEST))
    step = latest.step if latest else 0
    stopped = patience if 0 < patience <= _stale(folder, step) else 0
    return Standing(folder=folder, step=step, steps=steps, best=best, ended=step >= steps or stopped > 0, patience=stopped)


def status_note(folder: Path) -> str:
    """Return `Standing.note` of a folder, or "" for a saved model.

    Damaged files also give "", because an error follows when they are needed.
    """
    try:
        return standing(folder).note()
    except CPCError:
        return ""


def _stale(folder: Path, step: int) -> int:
    """Return the number of validations since the best one, up to update `step`. Damaged lines do not count."""
    found: list[Mapping[str, Any]] = []
    path = folder / "metrics.jsonl"
    for line in path.read_text(encoding="utf8", errors="replace").splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
            if entry["event"] == "valid" and entry["step"] <= step and math.isfinite(entry["bound"] or 0.0):
                found.append(entry)
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
            continue
    return stale(found)
