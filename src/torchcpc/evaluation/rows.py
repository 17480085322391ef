"""Which frames of which clips make the rows of a task, so that any features of the same clips can be laid out alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from torchcpc.evaluation.pool import pooled
from torchcpc.evaluation.task import PARTS, Features, Task

Frames = list[np.ndarray]


@dataclass(frozen=True, slots=True)
class Rows:
    """chosen: for each part its clips, and the steps of each that are rows (None: the clip as a whole is one row); y: their classes;
    pool: how the frames of a clip become one row."""

    task: Task
    chosen: dict[str, list[tuple[int, np.ndarray | None]]]
    y: dict[str, list[np.ndarray]]
    pool: str

    def features(self, name: str, frames: Frames) -> Features:
        """Frames [T, D] of every clip as one matrix a part, in the order of the task's labels."""

        def lay_out(entries: list[tuple[int, np.ndarray | None]]) -> np.ndarray:
            if entries[0][1] is None:
                return pooled([frames[clip] for clip, _ in entries], pool=self.pool)
            return np.concatenate([frames[clip][steps] for clip, steps in entries])

        return Features(name, *(lay_out(self.chosen[part]) for part in PARTS))
