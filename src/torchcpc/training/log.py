"""metrics.jsonl: one JSON object a line, appended as the run goes, cut back to the checkpoint when it resumes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch


class MetricsLog:
    """Appends events to a file; each line is complete once written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, event: str, step: int, metrics: dict[str, Any]) -> None:
        line = json.dumps({"event": event, "step": step, **{key: _plain(value) for key, value in metrics.items()}})
        with self.path.open("a", encoding="utf8") as file:
            file.write(line + "\n")

    def rewind(self, step: int) -> list[dict[str, Any]]:
        """Drops what was logged after update `step`, and a line torn by a kill, so that the resumed run logs it again.

        Returns the events that remain, oldest first.
        """
        if not self.path.exists():
            return []
        kept: list[dict[str, Any]] = []
        for line in self.path.read_text(encoding="utf8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and entry.get("step", step + 1) <= step:
                kept.append(entry)
        partial = self.path.with_name(self.path.name + ".part")
        partial.write_text("".join(json.dumps(entry) + "\n" for entry in kept), encoding="utf8")
        partial.replace(self.path)
        return kept


def _plain(value: Any) -> Any:
    """Tensors and floats as JSON holds them: NaN and infinity become null."""
    if isinstance(value, torch.Tensor):
        value = value.detach().tolist()
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
