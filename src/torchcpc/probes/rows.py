"""Which frames of which clips make the rows of a task, so that any features of the same clips can be laid out alike.

Of the frames no more is held than becomes a row: a thousandth where every picture or recording is pooled into one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from torchcpc.probes.task import PARTS, Features, Task
from torchcpc.representations.pool import pooled
from torchcpc.representations.standardise_by_group import levelled

Kept = dict[int, np.ndarray]
"""Of each clip the rows [rows, D] that a task asks about."""


@dataclass(frozen=True, slots=True)
class Rows:
    """chosen: for each part its clips, and the steps of each that are rows (None: the clip as a whole is one row); y: their classes;
    pool: how the frames of a clip become one row."""

    task: Task
    chosen: dict[str, list[tuple[int, np.ndarray | None]]]
    y: dict[str, list[np.ndarray]]
    pool: str

    @property
    def steps(self) -> dict[int, np.ndarray | None]:
        """The chosen steps by clip."""
        return {clip: steps for part in PARTS for clip, steps in self.chosen[part]}

    def features(self, name: str, kept: Mapping[int, np.ndarray]) -> Features:
        """What `gather` kept as one matrix a part, in the order of the task's labels."""
        return Features(name, *(np.concatenate([kept[clip] for clip, _ in self.chosen[part]]) for part in PARTS))


def gather(
    asked: Sequence[Rows], clips: Iterable[tuple[int, Sequence[np.ndarray]]], groups: Sequence[str] | None = None
) -> tuple[Kept, ...]:
    """The rows of several features that come side by side, as (number of the clip, their frames [T, D]), clips in any order.

    asked: splits of the same clips, which ask about the same steps. groups: the value of each clip by which its frames are levelled
    first (`evaluation.levelling`); only then are all frames in memory at once.
    """
    steps = {clip: own for rows in asked for clip, own in rows.steps.items()}
    pool = asked[0].pool

    def kept(clip: int, x_TD: np.ndarray) -> np.ndarray:
        own = steps[clip]
        return pooled([x_TD], pool=pool) if own is None else x_TD[own]

    if groups is not None:
        held = list(clips)
        owners = [groups[clip] for clip, _ in held]
        sides = [levelled([frames[place] for _, frames in held], owners) for place in range(len(held[0][1]))]
        clips = [(clip, [side[number] for side in sides]) for number, (clip, _) in enumerate(held)]
    made = {clip: [kept(clip, x_TD) for x_TD in sides] for clip, sides in clips if clip in steps}
    return tuple({clip: sides[place] for clip, sides in made.items()} for place in range(len(next(iter(made.values())))))
