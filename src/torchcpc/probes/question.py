"""What a probe is asked: which sources it learns from, is chosen on and is tested on, and the labels of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.data.alignment import Alignment
from torchcpc.data.clips import Clips, ending, tiles, wholes
from torchcpc.data.splits import by_column, by_source
from torchcpc.probes.rows import Rows
from torchcpc.probes.task import PARTS, Labels, Task


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. label: column of the labels, or of the alignment's table; alignment: frame labels, or None for labels of sources;
    unit: "recording", or "frame" for one row per step; clip_seconds: cut sources into clips this long first (0: whole); within:
    train on the first share of every source and test on the rest (0: split by source, as is right wherever sources repeat
    their labels); leave_out: "column=value" names the test sources, "column" tests every value in turn; pool: how the frames of a
    recording become one row; delay_s: how far behind the centre of a frame the moment lies that it is asked about; each_event: a clip
    for each event of the alignment in place of clips end to end, which ends delay_s after it and is asked at its last step: all steps
    meet their events at one phase, as they do not on a fixed grid; choose_by, class_weight: see `evaluation.task.Task`; choose_across:
    column of which one value after another is left out to choose a penalty (the validation part, which networks need, is one value of
    it); standardise_by: column by whose values, labels unseen, the frames of every kind of features are brought to mean 0 and
    deviation 1.
    """

    label: str
    alignment: Alignment | None = None
    unit: str = "recording"
    clip_seconds: float = 0.0
    within: float = 0.0
    leave_out: str = ""
    pool: str = "mean+deviation"
    validation: float = 0.15
    every: int = 1
    delay_s: float = 0.0
    each_event: bool = False
    choose_by: str = "accuracy"
    class_weight: str = "none"
    choose_across: str = ""
    standardise_by: str = ""

    def __post_init__(self) -> None:
        rules = (
            ("clip_seconds", self.clip_seconds >= 0, "at least 0"),
            ("within", 0 <= self.within < 1, "a share below 1, or 0 to split by source"),
            ("validation", 0 < self.validation < 1, "a share between 0 and 1"),
            ("every", self.every >= 1, "at least 1"),
        )
        for name, kept, rule in rules:
            if not kept:
                raise CPCError(f"{name} = {getattr(self, name)}: it must be {rule}.")
        if self.each_event and (not self.alignment or not self.clip_seconds or self.within or self.unit != "frame"):
            raise CPCError(
                "a clip for each event: it takes events (--alignment), the length of a clip (--clip-seconds), sources split whole "
                "(no --within) and a row per step."
            )


@dataclass(frozen=True, slots=True)
class Parted:
    """Clips of sources with the part (train, validation, test) that each belongs to."""

    clips: Clips
    part: list[str]
    how: str
    event: list[int] | None = None
    """The class of each clip's last step, where clips are cut by events."""


def part(sources: Any, question: Question) -> Parted:
    """Cuts and splits the sources as the question asks. Sources without a label take no part."""
    length = round(question.clip_seconds * sources.rate)
    if question.within:
        end = question.within
        stretches = ((0.0, 0.85 * end), (0.85 * end, end), (end, 1.0))
        cut = [
            tiles(sources, length=length, begin=first, end=last) if length else wholes(sources, begin=first, end=last)
            for first, last in stretches
        ]
        clips = Clips(sources, [clip for clips in cut for clip in clips.clips])
        names = [name for name, clips in zip(PARTS, cut, strict=True) for _ in clips.clips]
        return Parted(clips, names, f"within recordings, in time: the first {end:.0%} of each for training")
    of_source, how = _split(sources, question)
    if question.each_event:
        return _events(sources, question, length, of_source, how)
    clips = tiles(sources, length=length) if length else wholes(sources)
    return Parted(clips, [of_source.get(clip.source, "") for clip in clips.clips], how)


def _events(sources: Any, question: Question, length: int, of_source: dict[int, str], how: str) -> Parted:
    """A clip for each event of the sources that take part. Those whose clip would reach beyond their source are left out."""
    assert question.alignment is not None
    delay, ends, event, left = round(question.delay_s * sources.rate), [], [], 0
    for index in sorted(of_source):
        name = sources.items[index].path.stem
        question.alignment.require([name])
        start_s, _, label = question.alignment.spans[name]
        for at, number in zip((np.round(start_s * sources.rate).astype(int) + delay).tolist(), label.tolist(), strict=True):
            if length <= at <= sources.length(index):
                ends.append((index, at))
                event.append(number)
            else:
                left += 1
    if not ends:
        raise CPCError(
            f"no event has {question.clip_seconds:g} s before it and {question.delay_s:g} s after it. Shorten the clips."
        )
    how += f"; {question.clip_seconds:g} s for each event, to {question.delay_s:g} s after it" + (
        f" ({left} left out)" if left else ""
    )
    return Parted(ending(sources, ends, length=length), [of_source[index] for index, _ in ends], how, event)


def folds(sources: Any, question: Question) -> list[Question]:
    """One question, or one for each value of the column that `leave_out` names without a value."""
    column = question.leave_out
    if not column or "=" in column or question.within:
        return [question]
    values = sorted(set(sources.labels(column)) - {""})
    if len(values) < 2:
        raise CPCError(
            f"leave out {column!r}: {len(values)} values among {len(sources)} sources. Name a label column, or column=value."
        )
    return [replace(question, leave_out=f"{column}={value}") for value in values]


def _split(sources: Any, question: Question) -> tuple[dict[int, str], str]:
    keys = [item.key for item in sources.items]
    column = sources.labels("split")
    if question.leave_out:
        name, _, value = question.leave_out.partition("=")
        test = by_column(sources.labels(name)).get(value, [])
        if not test:
            raise CPCError(
                f"leave out {question.leave_out!r}: no source has it. Values of {name}: {', '.join(sorted(set(sources.labels(name)))[:9])}."
            )
        how = f"by source: {question.leave_out} only in the test"
    elif "test" in column:
        test, how = by_column(column)["test"], "by source: the split column of the data"
    else:
        test, how = by_source(keys, {"train": 0.8, "test": 0.2})["test"], "by source: a fifth at random for the test"
    held = set(test)
    rest = [i for i in range(len(keys)) if i not in held and (not any(column) or question.leave_out or column[i] != "")]
    if question.choose_across:
        groups = by_column([sources.labels(question.choose_across)[i] for i in rest])
        if len(groups) < 2:
            raise CPCError(
                f"choose across {question.choose_across!r}: {len(groups)} values beside the test; at least 2 are needed."
            )
        validation = min(groups, key=lambda name: (len(groups[name]), name))
        parts = {"train": [p for name in groups if name != validation for p in groups[name]], "validation": groups[validation]}
        how += f"; penalties chosen across {question.choose_across}"
    else:
        parts = by_source([keys[i] for i in rest], {"train": 1 - question.validation, "validation": question.validation})
    of_source = {i: "test" for i in test}
    return of_source | {rest[i]: name for name, members in parts.items() for i in members}, how


def ask(parted: Parted, question: Question, steps: Sequence[int], seconds_per_step: float) -> Rows:
    """The rows and labels of a question, for clips of `steps` steps each."""
    sources, clips = parted.clips.sources, parted.clips.clips
    chosen: dict[str, list[tuple[int, np.ndarray | None]]] = {name: [] for name in PARTS}
    y: dict[str, list[np.ndarray]] = {name: [] for name in PARTS}
    group: dict[str, list[np.ndarray]] = {name: [] for name in PARTS}
    across = sources.labels(question.choose_across)
    group_of = {name: n for n, name in enumerate(sorted(set(across)))}
    source: dict[str, list[np.ndarray]] = {name: [] for name in PARTS}
    values = [] if question.alignment else sources.labels(question.label)
    names = question.alignment.names if question.alignment else tuple(sorted(set(values) - {""}))
    number = {name: n for n, name in enumerate(names)}
    if len(names) < 2:
        raise CPCError(
            f"label {question.label!r}: {len(names)} classes among {len(sources)} sources; a probe needs at least 2. Check the column name."
        )
    for index, (clip, name) in enumerate(zip(clips, parted.part, strict=True)):
        if not name:
            continue
        if parted.event is not None:
            labels_T = np.full(steps[index], -1)
            labels_T[-1:] = parted.event[index]
        elif question.alignment:
            labels_T = question.alignment.frames(
                sources.items[clip.source].path.stem,
                steps[index],
                step_s=seconds_per_step,
                begin_s=clip.start / sources.rate,
                delay_s=question.delay_s,
            )
        elif values[clip.source]:
            labels_T = np.full(steps[index], number[values[clip.source]])
        else:
            continue
        kept = np.flatnonzero(labels_T >= 0)[:: question.every]
        if not len(kept):
            continue
        chosen[name].append((index, kept if question.unit == "frame" else None))
        labels = labels_T[kept] if question.unit == "frame" else labels_T[:1]
        y[name].append(labels)
        # Two stretches of one recording are different sources to the task: the split within recordings was asked for by name.
        unit = clip.source if not question.within else clip.source * len(PARTS) + PARTS.index(name)
        source[name].append(np.full(len(labels), unit))
        group[name].append(np.full(len(labels), group_of[across[clip.source]]))
    for name in PARTS:
        if not y[name]:
            raise CPCError(
                f"label {question.label!r}: no labelled source in the {name} part. Use more sources, or another split."
            )
    labels = {
        name: Labels(
            np.concatenate(y[name]),
            np.concatenate(source[name]),
            np.concatenate(group[name]) if question.choose_across else None,
        )
        for name in PARTS
    }
    judged, weighed = question.choose_by, question.class_weight
    task = Task(question.label, question.unit, names, parted.how, **labels, choose_by=judged, class_weight=weighed)
    return Rows(task, chosen, y, question.pool)
