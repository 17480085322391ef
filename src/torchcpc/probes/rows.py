"""Which frames of which clips make the rows of a task, so that any features of the same clips can be laid out alike.

Of the frames no more is held than becomes a row: a thousandth where every picture or recording is pooled into one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.probes.question import ProbeSpec
from torchcpc.probes.split_clips import SplitClips
from torchcpc.probes.task import PARTS, Features, Labels, Task
from torchcpc.representations.pool import pooled
from torchcpc.representations.standardise_by_group import standardise_by_group

ClipFeatures = Mapping[int, np.ndarray]
"""The rows [rows, D] of each clip that a task asks about."""


class ClipRows(NamedTuple):
    """The rows of one clip: its steps that are rows (None: the clip as a whole is one row), and their classes."""

    clip: int
    steps: np.ndarray | None
    y: np.ndarray


@dataclass(frozen=True, slots=True)
class Rows:
    """A task and the clips whose rows it asks about, part by part in the order of its labels."""

    task: Task
    clips: Mapping[str, Sequence[ClipRows]]

    @property
    def steps(self) -> dict[int, np.ndarray | None]:
        """The steps by clip that are rows."""
        return {rows.clip: rows.steps for part in PARTS for rows in self.clips[part]}

    def features(self, name: str, made: ClipFeatures) -> Features:
        """What `gather` made as one matrix a part, in the order of the task's labels."""
        return Features(name, *(np.concatenate([made[rows.clip] for rows in self.clips[part]]) for part in PARTS))


def label_rows(split: SplitClips, spec: ProbeSpec, steps: Sequence[int], seconds_per_step: float) -> Rows:
    """The rows and labels of a probe, for clips of `steps` steps each."""
    sources, clips = split.clips.sources, split.clips.clips
    across = sources.labels(spec.validate_across)
    group_of = {name: n for n, name in enumerate(sorted(set(across)))}
    values = [] if spec.alignment else sources.labels(spec.label)
    names = spec.alignment.names if spec.alignment else tuple(sorted(set(values) - {""}))
    number = {name: n for n, name in enumerate(names)} | {"": -1}
    check_classes(spec.label, names, len(sources))
    rows: dict[str, list[ClipRows]] = {name: [] for name in PARTS}
    for index, (clip, part) in enumerate(zip(clips, split.part, strict=True)):
        if not part:
            continue
        if split.event is not None:
            labels_T = np.full(steps[index], -1)
            labels_T[-1:] = split.event[index]
        elif spec.alignment:
            name, begin_s = sources.recording(clip.source), clip.start / sources.rate
            labels_T = spec.alignment.frames(name, steps[index], step_s=seconds_per_step, begin_s=begin_s, delay_s=spec.delay_s)
        else:
            labels_T = np.full(steps[index], number[values[clip.source]])
        labelled = np.flatnonzero(labels_T >= 0)[:: spec.every]
        if len(labelled):
            of_frames = ClipRows(index, labelled, labels_T[labelled])
            rows[part].append(of_frames if spec.by_frame else ClipRows(index, None, labels_T[:1]))
    for part in PARTS:
        if not rows[part]:
            raise CPCError(f"label {spec.label!r}: no labelled source in the {part} part. Use more sources, or another split.")

    def labels(part: str) -> Labels:
        source_M, group_M = (
            np.concatenate([np.full(len(own.y), value(clips[own.clip].source)) for own in rows[part]])
            # Two stretches of one recording are different sources to the task: the split within recordings was asked for by name.
            for value in (
                lambda source: source * len(PARTS) + PARTS.index(part) if spec.within else source,
                lambda source: group_of[across[source]],
            )
        )
        return Labels(np.concatenate([own.y for own in rows[part]]), source_M, group_M if spec.validate_across else None)

    task = Task(
        spec.label,
        "frame" if spec.by_frame else "recording",
        names,
        *map(labels, PARTS),
        select_by=spec.select_by,
        class_weight=spec.class_weight,
    )
    return Rows(task, rows)


def check_classes(label: str, names: Sequence[str], sources: int) -> None:
    """Raises CPCError for a label of fewer than two classes."""
    if len(names) < 2:
        raise CPCError(
            f"label {label!r}: {len(names)} classes among {sources} sources; a probe needs at least 2. Check the column name."
        )


def gather(
    steps: Mapping[int, np.ndarray | None],
    clips: Iterable[tuple[int, Sequence[np.ndarray]]],
    *,
    pool: str,
    groups: Sequence[str] | None = None,
) -> tuple[ClipFeatures, ...]:
    """The rows of several features that come side by side, as (number of the clip, their frames [T, D]), clips in any order.

    Args:
        steps: The steps of each clip that are rows; None: all are pooled into one row. Other clips are passed over.
        clips: The frames of each clip.
        pool: How the frames of a clip become one row.
        groups: The value of each clip by which its frames are standardised first. Only then are all frames in memory at once.
    """

    def chosen(clip: int, x_TD: np.ndarray) -> np.ndarray:
        own = steps[clip]
        return pooled([x_TD], pool=pool) if own is None else x_TD[own]

    if groups is not None:
        held = list(clips)
        owners = [groups[clip] for clip, _ in held]
        sides = [standardise_by_group([frames[place] for _, frames in held], owners) for place in range(len(held[0][1]))]
        clips = [(clip, [side[number] for side in sides]) for number, (clip, _) in enumerate(held)]
    made = {clip: [chosen(clip, x_TD) for x_TD in sides] for clip, sides in clips if clip in steps}
    return tuple({clip: sides[place] for clip, sides in made.items()} for place in range(len(next(iter(made.values())))))
