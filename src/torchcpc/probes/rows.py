"""The rows of a task: sources are cut into clips, and frames of clips become rows, in the same way for all features.

Only the frames that become rows are kept. If every picture or recording is pooled into one row, that is a thousandth
of all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from torchcpc.contracts import CPCError, Sources, counted
from torchcpc.data.clips import Clips, ending, tiles, wholes
from torchcpc.data.names import TEST
from torchcpc.data.splits import by_column, by_source, given_parts
from torchcpc.probes.columns import check_suited, column_values, test_roots, tested_values, unsuited
from torchcpc.probes.question import ProbeSpec
from torchcpc.probes.result import Split
from torchcpc.probes.task import SPLIT_PARTS, Features, Labels, Task, check_classes
from torchcpc.probes.units import Units, independent_units, single_units
from torchcpc.representations.pool import pooled, standardise_by_group

# With `within`, this share of the training stretch trains, and the rest of it validates.
_TRAINING = 0.85
ClipFeatures = Mapping[int, np.ndarray]
"""The rows [rows, D] of each clip of a task."""
ClipFrames = Iterable[tuple[int, Sequence[np.ndarray]]]
"""The number of a clip with its frames [T, D] of several kinds of features. Clips may come in any order."""


@dataclass(frozen=True, slots=True)
class SplitClips:
    """Clips of sources, each with its part.

    Attributes:
        clips: The clips.
        part: The part of each clip: "train", "validation", "test", or "" for none.
        split: How the sources are divided.
        units: The independent units of the intervals.
        event: The class of each clip's last step, if clips follow events.
    """

    clips: Clips
    part: list[str]
    split: Split
    units: Units
    event: list[int] | None = None


def split_clips(sources: Sources, spec: ProbeSpec) -> SplitClips:
    """Cut and split the sources as the question says. Sources without a label are in no part."""
    length, standardised_by = round(spec.clip_seconds * sources.rate), spec.standardise_by
    if end := spec.within:
        stretches = ((0.0, _TRAINING * end), (_TRAINING * end, end), (end, 1.0))
        cut = [_cut(sources, length, begin=first, end=last) for first, last in stretches]
        part = [name for name, clips in zip(SPLIT_PARTS, cut, strict=True) for _ in clips.items]
        split = Split("within", share=end, standardised_by=standardised_by)
        return SplitClips(Clips(sources, [clip for clips in cut for clip in clips.items]), part, split, single_units(sources))
    of_source, split = _by_source(sources, spec)
    if spec.per_event:
        return _by_event(sources, spec, length, of_source, split)
    clips = _cut(sources, length)
    return SplitClips(clips, [of_source.get(clip.source, "") for clip in clips.items], split, _units(sources, of_source, split))


def _units(sources: Sources, of_source: Mapping[int, str], split: Split) -> Units:
    test = [i for i, part in of_source.items() if part == "test"]
    named = split.column if split.kind == "test_on" else split.validate_across
    return independent_units(sources, test, set(of_source) - set(test), named=named, value=split.value)


def _cut(sources: Sources, length: int, *, begin: float = 0.0, end: float = 1.0) -> Clips:
    return tiles(sources, length=length, begin=begin, end=end) if length else wholes(sources, begin=begin, end=end)


def each_test(sources: Sources, spec: ProbeSpec) -> list[ProbeSpec]:
    """Return one question for each value of the column that `test_on` names, or the question itself if it names a
    value.
    """
    column = spec.test_on
    if not column or "=" in column or spec.within:
        return [spec]
    values = sorted(set(column_values(sources, column, "test on")) - {""})
    if len(values) < 2:
        among = f"{counted(len(values), 'value')} among {counted(len(sources), 'source')}"
        raise CPCError(f"test on {column!r}: {among}. Name a label column, or column=value.")
    return [replace(spec, test_on=f"{column}={value}") for value in values]


def _by_event(sources: Sources, spec: ProbeSpec, length: int, of_source: dict[int, str], split: Split) -> SplitClips:
    """Cut a clip for each event of the sources. An event whose clip would reach beyond its source is skipped."""
    assert spec.alignment is not None  # ProbeSpec checks it
    delay, events = round(spec.delay_s * sources.rate), []
    for index in sorted(of_source):
        name = sources.items[index].key
        spec.alignment.require([name])
        start_s, _, label = spec.alignment.spans[name]
        ends = np.round(start_s * sources.rate).astype(int) + delay
        events += [(index, end, number) for end, number in zip(ends.tolist(), label.tolist(), strict=True)]
    kept = [(index, end, number) for index, end, number in events if length <= end <= sources.length(index)]
    if not kept:
        raise CPCError(f"no event has {spec.clip_seconds:g} s before it and {spec.delay_s:g} s after it. Shorten the clips.")
    skipped = len(events) - len(kept)
    split = replace(split, event_seconds=spec.clip_seconds, event_delay_s=spec.delay_s, events_skipped=skipped)
    clips = ending(sources, [(index, end) for index, end, _ in kept], length=length)
    units = _units(sources, of_source, split)
    return SplitClips(clips, [of_source[index] for index, _, _ in kept], split, units, [number for _, _, number in kept])


def _by_source(sources: Sources, spec: ProbeSpec) -> tuple[dict[int, str], Split]:
    """Return the part of each source that has one."""
    keys, parts = [item.key for item in sources.items], given_parts(sources)
    if spec.test_on:
        name, value = map(str.strip, spec.test_on.split("=", 1))
        tested = tested_values(sources, name, value)
        test = [i for i, own in enumerate(sources.labels(name)) if own in tested]
        members, split = list(range(len(keys))), Split("test_on", column=name, value=value)
    elif parts and TEST in parts:
        test, split = [i for i, part in enumerate(parts) if part == TEST], Split("column")
        members = [i for i, part in enumerate(parts) if part]
    else:
        members, split = [i for i in range(len(keys)) if not parts or parts[i]], Split("random")
        test = [members[i] for i in by_source([keys[i] for i in members], {"train": 0.8, "test": 0.2})["test"]]
    held = set(test)
    rest = [i for i in members if i not in held]
    if split.kind == "column":
        split = replace(split, test_data=test_roots(sources, test, rest))
    if spec.validate_across:
        values = column_values(sources, spec.validate_across, "validate across")
        groups = by_column([values[i] for i in rest])
        if len(groups) < 2:
            found = f"{counted(len(groups), 'value')} outside the test part"
            raise CPCError(f"validate across {spec.validate_across!r}: {found}; 2 are needed.")
        validation = min(groups, key=lambda name: (len(groups[name]), name))
        parts = {"train": [p for name in groups if name != validation for p in groups[name]], "validation": groups[validation]}
    else:
        parts = by_source([keys[i] for i in rest], {"train": 1 - spec.validation, "validation": spec.validation})
    split = replace(split, validate_across=spec.validate_across, standardised_by=spec.standardise_by)
    return dict.fromkeys(test, "test") | {rest[i]: name for name, members in parts.items() for i in members}, split


class ClipRows(NamedTuple):
    """The rows of one clip.

    Attributes:
        clip: The number of the clip.
        steps: The steps that are rows. None: the whole clip is one row.
        y: The class of each row.
    """

    clip: int
    steps: np.ndarray | None
    y: np.ndarray


@dataclass(frozen=True, slots=True)
class Rows:
    """A task, and the clips that have its rows.

    Attributes:
        task: The task.
        clips: The rows of each clip by part, in the order of the labels.
    """

    task: Task
    clips: Mapping[str, Sequence[ClipRows]]

    @property
    def steps(self) -> dict[int, np.ndarray | None]:
        """The steps of each clip that are rows."""
        return {rows.clip: rows.steps for part in SPLIT_PARTS for rows in self.clips[part]}

    def features(self, name: str, made: ClipFeatures) -> Features:
        """Return the features of `gather` as one matrix for each part, in the order of the labels."""
        return Features(name, *(np.concatenate([made[rows.clip] for rows in self.clips[part]]) for part in SPLIT_PARTS))


def label_rows(split: SplitClips, spec: ProbeSpec, steps: Sequence[int], seconds_per_step: float) -> Rows:
    """Label the rows of a probe.

    Args:
        split: The clips and their parts.
        spec: The question.
        steps: The number of steps of each clip.
        seconds_per_step: The seconds between two steps.

    Raises:
        CPCError: If the labels are not classes, or if a part has no labelled source.
    """
    sources, clips = split.clips.sources, split.clips.items
    values = [] if spec.alignment else column_values(sources, spec.label, "label")
    names = spec.alignment.names if spec.alignment else tuple(sorted(set(values) - {""}))
    number = {name: n for n, name in enumerate(names)} | {"": -1}
    check_classes(spec.label, names, len(sources))
    _check_suited(spec, sources)
    rows: dict[str, list[ClipRows]] = {name: [] for name in SPLIT_PARTS}
    for index, (clip, part) in enumerate(zip(clips, split.part, strict=True)):
        if not part:
            continue
        if split.event is not None:
            labels_T = np.full(steps[index], -1)
            labels_T[-1:] = split.event[index]
        elif spec.alignment:
            name, begin_s = clip.key, clip.start / sources.rate
            labels_T = spec.alignment.frames(name, steps[index], step_s=seconds_per_step, begin_s=begin_s, delay_s=spec.delay_s)
        else:
            labels_T = np.full(steps[index], number[values[clip.source]])
        labelled = np.flatnonzero(labels_T >= 0)[:: spec.every]
        if len(labelled):
            of_frames = ClipRows(index, labelled, labels_T[labelled])
            rows[part].append(of_frames if spec.by_frame else ClipRows(index, None, labels_T[:1]))
    _, group_of = np.unique(sources.labels(spec.validate_across), return_inverse=True)
    labels = []
    for place, (part, own) in enumerate(rows.items()):
        if not own:
            raise CPCError(f"label {spec.label!r}: no labelled source in the {part} part. Use more sources, or another split.")
        source_M = np.repeat([clips[each.clip].source for each in own], [len(each.y) for each in own])
        group_M, unit_M = group_of[source_M] if spec.validate_across else None, split.units.number_S[source_M]
        # The split within recordings was requested, so two stretches of one recording count as different sources.
        source_M = source_M * len(SPLIT_PARTS) + place if spec.within else source_M
        labels.append(Labels(np.concatenate([each.y for each in own]), source_M, group_M, unit_M))
    unit = "frame" if spec.by_frame else "recording"
    return Rows(Task(spec.label, unit, names, *labels, select_by=spec.select_by, class_weight=spec.class_weight), rows)


def _check_suited(spec: ProbeSpec, sources: Sources) -> None:
    """Check that the labels are classes.

    Raises:
        CPCError: If they are not.
    """
    if spec.alignment is None:
        check_suited(spec.label, sources, single=bool(spec.within))
        return
    labels = [spec.alignment.names[k] for _, _, number in spec.alignment.spans.values() for k in number.tolist()]
    if why := unsuited(labels, "interval", single=bool(spec.within)):
        raise CPCError(f"label {spec.label!r} is unsuited to classification: {why}. Name another column of the alignment.")


def gather(
    steps: Mapping[int, np.ndarray | None], clips: ClipFrames, *, pool: str, groups: Sequence[str] | None = None
) -> tuple[ClipFeatures, ...]:
    """Return the rows of several kinds of features.

    Args:
        steps: The steps of each clip that are rows. None: all steps are pooled into one row. Other clips are ignored.
        clips: The frames of each clip.
        pool: How frames are pooled.
        groups: The group of each clip, to normalise its frames per group first. Only then are all frames in memory.
    """
    if groups is not None:
        held = list(clips)
        owners = [groups[clip] for clip, _ in held]
        sides = [standardise_by_group([frames[place] for _, frames in held], owners) for place in range(len(held[0][1]))]
        clips = [(clip, frames) for (clip, _), frames in zip(held, zip(*sides, strict=True), strict=True)]
    made: dict[int, list[np.ndarray]] = {}
    for clip, sides in clips:
        if clip in steps:
            own = steps[clip]
            made[clip] = [pooled([x_TD], pool=pool) if own is None else x_TD[own] for x_TD in sides]
    return tuple(dict(zip(made, rows, strict=True)) for rows in zip(*made.values(), strict=True))
