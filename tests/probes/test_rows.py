"""Rows of a task from frames that pass by, against the obvious way: everything in memory, clip by clip."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from torchcpc.probes.rows import ClipRows, Rows, gather
from torchcpc.probes.task import Labels, Task
from torchcpc.representations.pool import pooled, standardise_by_group

LENGTHS = (7, 3, 5, 11, 2, 13)
PARTED = {"train": (3, 0), "validation": (2,), "test": (5, 1)}  # clip 4 bears no label


def asking(unit: str) -> Rows:
    def own(clip: int) -> ClipRows:
        steps = None if unit == "recording" else np.arange(LENGTHS[clip])[::2]
        return ClipRows(clip, steps, np.zeros(1 if steps is None else len(steps), np.int64))

    clips = {part: [own(clip) for clip in each] for part, each in PARTED.items()}
    labels = (
        Labels(np.concatenate([own.y for own in each]), np.concatenate([np.full(len(own.y), own.clip) for own in each]))
        for each in clips.values()
    )
    return Rows(Task("word", unit, ("a", "b"), *labels), clips)


@pytest.fixture
def sides() -> list[list[np.ndarray]]:
    rng = np.random.default_rng(0)
    return [[rng.standard_normal((length, width)).astype(np.float32) for length in LENGTHS] for width in (5, 3)]


@pytest.mark.parametrize("groups", [None, ["x", "y", "x", "y", "x", "y"]])
@pytest.mark.parametrize("unit", ["recording", "frame"])
def test_rows_in_any_order_of_the_clips(unit: str, groups: list[str] | None, sides: list[list[np.ndarray]]) -> None:
    rows = asking(unit)
    order = [4, 1, 5, 0, 3, 2]
    found = gather(rows.steps, ((clip, [side[clip] for side in sides]) for clip in order), pool="mean+deviation", groups=groups)
    assert len(found) == 2
    for kept, side in zip(found, sides, strict=True):
        known = standardise_by_group(side, groups) if groups else side
        features = rows.features("z", kept)
        for part, clips in PARTED.items():
            if unit == "recording":
                wanted = pooled([known[clip] for clip in clips], pool="mean+deviation")
            else:
                wanted = np.concatenate([known[clip][::2] for clip in clips])
            np.testing.assert_array_equal(getattr(features, part), wanted)


@pytest.mark.parametrize("unit", ["recording", "frame"])
def test_no_more_than_two_clips_are_in_memory(unit: str) -> None:
    alive: list[weakref.ref[np.ndarray]] = []

    def passing() -> Iterator[tuple[int, list[np.ndarray]]]:
        for clip, length in enumerate(LENGTHS):
            gc.collect()
            assert sum(one() is not None for one in alive) <= 1, "frames of clips that were dealt with are still held"
            x_TD = np.zeros((length, 3), np.float32)
            alive.append(weakref.ref(x_TD))
            yield clip, [x_TD]

    gather(asking(unit).steps, passing(), pool="mean+deviation")
