"""Sources cut into clips, each of which belongs to the training, the validation or the test part."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from torchcpc.contracts import CPCError, Sources
from torchcpc.data.clips import Clips, ending, tiles, wholes
from torchcpc.data.splits import by_column, by_source
from torchcpc.probes.question import ProbeSpec
from torchcpc.probes.result import Split
from torchcpc.probes.task import PARTS

# Of the share of a source that is no test, this trains and the rest validates.
_TRAINING = 0.85


@dataclass(frozen=True, slots=True)
class SplitClips:
    """Clips of sources with the part (train, validation, test, or none: "") that each belongs to.

    event: the class of each clip's last step, where clips are cut by events.
    """

    clips: Clips
    part: list[str]
    split: Split
    event: list[int] | None = None


def split_clips(sources: Sources, spec: ProbeSpec) -> SplitClips:
    """Cuts and splits the sources as the probe asks. Sources without a label take no part."""
    length = round(spec.clip_seconds * sources.rate)
    known = Split("", validate_across=spec.validate_across, standardised_by=spec.standardise_by)
    if end := spec.within:
        stretches = ((0.0, _TRAINING * end), (_TRAINING * end, end), (end, 1.0))
        cut = [
            tiles(sources, length=length, begin=first, end=last) if length else wholes(sources, begin=first, end=last)
            for first, last in stretches
        ]
        names = [name for name, clips in zip(PARTS, cut, strict=True) for _ in clips.clips]
        within = replace(known, kind="within", share=end, validate_across="")
        return SplitClips(Clips(sources, [clip for clips in cut for clip in clips.clips]), names, within)
    of_source, split = _by_source(sources, spec, known)
    if spec.per_event:
        return _by_event(sources, spec, length, of_source, split)
    clips = tiles(sources, length=length) if length else wholes(sources)
    return SplitClips(clips, [of_source.get(clip.source, "") for clip in clips.clips], split)


def each_test(sources: Sources, spec: ProbeSpec) -> list[ProbeSpec]:
    """One specification, or one for each value of the column that `test_on` names without a value."""
    column = spec.test_on
    if not column or "=" in column or spec.within:
        return [spec]
    values = sorted(set(sources.labels(column)) - {""})
    if len(values) < 2:
        raise CPCError(
            f"test on {column!r}: {len(values)} values among {len(sources)} sources. Name a label column, or column=value."
        )
    return [replace(spec, test_on=f"{column}={value}") for value in values]


def _by_event(sources: Sources, spec: ProbeSpec, length: int, of_source: dict[int, str], split: Split) -> SplitClips:
    """A clip for each event of the sources that take part. Those whose clip would reach beyond their source are left out."""
    assert spec.alignment is not None  # ProbeSpec checks it
    delay, ends, event, skipped = round(spec.delay_s * sources.rate), [], [], 0
    for index in sorted(of_source):
        name = sources.recording(index)
        spec.alignment.require([name])
        start_s, _, label = spec.alignment.spans[name]
        for at, number in zip((np.round(start_s * sources.rate).astype(int) + delay).tolist(), label.tolist(), strict=True):
            if length <= at <= sources.length(index):
                ends.append((index, at))
                event.append(number)
            else:
                skipped += 1
    if not ends:
        raise CPCError(f"no event has {spec.clip_seconds:g} s before it and {spec.delay_s:g} s after it. Shorten the clips.")
    split = replace(split, event_seconds=spec.clip_seconds, event_delay_s=spec.delay_s, events_skipped=skipped)
    return SplitClips(ending(sources, ends, length=length), [of_source[index] for index, _ in ends], split, event)


def _by_source(sources: Sources, spec: ProbeSpec, known: Split) -> tuple[dict[int, str], Split]:
    keys = [item.key for item in sources.items]
    column = sources.labels("split")
    if spec.test_on:
        name, _, value = spec.test_on.partition("=")
        test = by_column(sources.labels(name)).get(value, [])
        if not test:
            raise CPCError(
                f"test on {spec.test_on!r}: no source has it. Values of {name}: {', '.join(sorted(set(sources.labels(name)))[:9])}."
            )
        split = replace(known, kind="test_on", column=name, value=value)
    elif "test" in column:
        test, split = by_column(column)["test"], replace(known, kind="column")
    else:
        test, split = by_source(keys, {"train": 0.8, "test": 0.2})["test"], replace(known, kind="random")
    held = set(test)
    rest = [i for i in range(len(keys)) if i not in held and (not any(column) or spec.test_on or column[i] != "")]
    if spec.validate_across:
        groups = by_column([sources.labels(spec.validate_across)[i] for i in rest])
        if len(groups) < 2:
            raise CPCError(
                f"validate across {spec.validate_across!r}: {len(groups)} values beside the test; at least 2 are needed."
            )
        validation = min(groups, key=lambda name: (len(groups[name]), name))
        parts = {"train": [p for name in groups if name != validation for p in groups[name]], "validation": groups[validation]}
    else:
        parts = by_source([keys[i] for i in rest], {"train": 1 - spec.validation, "validation": spec.validation})
    of_source = {i: "test" for i in test}
    return of_source | {rest[i]: name for name, members in parts.items() for i in members}, split
