"""What a probe is asked, on sources whose every position says where it lies."""

from __future__ import annotations

import numpy as np
import pytest

from torchcpc.asking import Question, ask, part
from torchcpc.contracts import CPCError
from torchcpc.data.arrays import Arrays, Item
from torchcpc.evaluation.task import PARTS

LENGTHS = (101, 37, 53)


@pytest.fixture
def sources() -> Arrays:
    arrays = [np.arange(length, dtype=np.float32)[:, None] for length in LENGTHS]
    return Arrays(arrays, [Item(f"{i}", "all", {"who": "ab"[i % 2]}) for i in range(len(LENGTHS))])


@pytest.mark.parametrize("clip", [0.0, 3.0])
def test_within_recordings_the_past_teaches_and_the_future_tests(clip: float, sources: Arrays) -> None:
    """In clips, or each stretch of a recording as one: no position is in two parts, and training lies before validation before test."""
    parted = part(sources, Question("who", within=0.7, clip_seconds=clip))
    for source in range(len(LENGTHS)):
        seen = {name: [] for name in PARTS}
        for index, (own, name) in enumerate(zip(parted.clips.clips, parted.part, strict=True)):
            if own.source == source:
                seen[name] += parted.clips.read(index, 0, own.length)[:, 0].tolist()
        order = [position for name in PARTS for position in seen[name]]
        assert order == sorted(set(order)) and all(seen.values())
        assert max(seen["validation"]) < 0.7 * LENGTHS[source] <= min(seen["test"]) + 1
        if not clip:
            assert order == list(range(LENGTHS[source]))


def test_every_frame_of_a_recording_has_its_label(sources: Arrays) -> None:
    question = Question("who", within=0.7, unit="frame", every=3)
    parted = part(sources, question)
    rows = ask(parted, question, [parted.clips.length(i) for i in range(len(parted.clips))], 1.0)
    lasting = [length - int(0.7 * length) for length in LENGTHS]
    assert len(rows.task.test.y_M) == sum(-(-length // 3) for length in lasting)
    assert rows.task.test.y_M.sum() == -(-lasting[1] // 3)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"within": 1.5}, "within = 1.5: it must be a share below 1"),
        ({"clip_seconds": -1.0}, "clip_seconds = -1.0: it must be at least 0"),
        ({"every": 0}, "every = 0: it must be at least 1"),
        ({"validation": 1.0}, "validation = 1.0: it must be a share between 0 and 1"),
    ],
)
def test_questions_that_cannot_be_asked(fault: dict, said: str) -> None:
    with pytest.raises(CPCError, match=said):
        Question("who", **fault)
