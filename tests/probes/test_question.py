"""What a probe is asked, on sources whose every position says where it lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.alignment import Alignment
from torchcpc.data.arrays import Arrays, Item
from torchcpc.probes.question import LABELS_PER_CLASS, ProbeRows, ProbeSpec, settled
from torchcpc.probes.rows import label_rows, split_clips
from torchcpc.probes.task import SPLIT_PARTS

LENGTHS = (101, 37, 53)


@pytest.fixture
def sources() -> Arrays:
    arrays = [np.arange(length, dtype=np.float32)[:, None] for length in LENGTHS]
    return Arrays(arrays, [Item(f"{i}", "all", {"who": "ab"[i % 2]}, Path(f"folder/{i}.npz")) for i in range(len(LENGTHS))])


@pytest.mark.parametrize("clip", [0.0, 3.0])
def test_within_recordings_the_past_teaches_and_the_future_tests(clip: float, sources: Arrays) -> None:
    """In clips, or each stretch of a recording as one: no position is in two parts, and training lies before validation before test."""
    parted = split_clips(sources, ProbeSpec("who", within=0.7, clip_seconds=clip))
    for source in range(len(LENGTHS)):
        seen = {name: [] for name in SPLIT_PARTS}
        for index, (own, name) in enumerate(zip(parted.clips.items, parted.part, strict=True)):
            if own.source == source:
                seen[name] += parted.clips.read(index, 0, own.length)[:, 0].tolist()
        order = [position for name in SPLIT_PARTS for position in seen[name]]
        assert order == sorted(set(order)) and all(seen.values())
        assert max(seen["validation"]) < 0.7 * LENGTHS[source] <= min(seen["test"]) + 1
        if not clip:
            assert order == list(range(LENGTHS[source]))


def test_every_frame_of_a_recording_has_its_label(sources: Arrays) -> None:
    question = ProbeSpec("who", within=0.7, unit="frame", every=3)
    parted = split_clips(sources, question)
    rows = label_rows(parted, question, [parted.clips.length(i) for i in range(len(parted.clips))], 1.0)
    lasting = [length - int(0.7 * length) for length in LENGTHS]
    assert len(rows.task.test.y_M) == sum(-(-length // 3) for length in lasting)
    assert rows.task.test.y_M.sum() == -(-lasting[1] // 3)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"within": 1.5}, "within = 1.5: it must be a share below 1"),
        ({"clip_seconds": -1.0}, "clip_seconds = -1.0: it must be at least 0"),
        ({"every": 0}, "every = 0: it must be at least 1"),
        ({"unit": "word"}, "unit = 'word': it must be recording or frame"),
        ({"validation": 1.0}, "validation = 1.0: it must be a share between 0 and 1"),
    ],
)
def test_questions_that_cannot_be_asked(fault: dict, said: str) -> None:
    with pytest.raises(CPCError, match=said):
        ProbeSpec("who", **fault)


EVENTS = Alignment(
    ("early", "late"),
    {
        "0": (np.array([3.0, 20, 22, 99]), np.array([3.0, 20, 22, 99]), np.array([0, 0, 1, 1])),
        "1": (np.array([11.0, 30]), np.array([11.0, 30]), np.array([1, 0])),
        "2": (np.array([17.0, 41]), np.array([17.0, 41]), np.array([0, 1])),
    },
)


def test_per_event_is_asked_once_at_the_end_of_its_own_clip(sources: Arrays) -> None:
    question = ProbeSpec(
        "kind", alignment=EVENTS, unit="frame", clip_seconds=11.0, delay_s=3.0, test_on="who=b", per_event=True, validation=0.5
    )
    parted = split_clips(sources, question)
    ends = [(clip.source, clip.start + clip.length) for clip in parted.clips.items]
    # Of source 0 the first event has too little before it and the last too little after it; two clips overlap.
    assert ends == [(0, 23), (0, 25), (1, 14), (1, 33), (2, 20), (2, 44)] and parted.split.events_skipped == 2
    assert [parted.part[n] for n in (2, 3)] == ["test", "test"]
    rows = label_rows(parted, question, [3] * 6, 11 / 3)
    assert [own.steps.tolist() for name in SPLIT_PARTS for own in rows.clips[name] if own.steps is not None] == [[2]] * 6
    assert rows.task.test.y_M.tolist() == [1, 0]
    both = {tuple(rows.task.train.y_M.tolist()), tuple(rows.task.validation.y_M.tolist())}
    assert both == {(0, 1)}
    assert parted.clips.read(1, 0, 99)[:, 0].tolist() == list(range(14, 25))


@pytest.mark.parametrize("fault", [{"alignment": None}, {"clip_seconds": 0.0}])
def test_events_need_what_they_are_cut_by(fault: dict) -> None:
    with pytest.raises(CPCError, match="a clip for each event needs events"):
        ProbeSpec("kind", **({"alignment": EVENTS, "unit": "frame", "clip_seconds": 11.0, "per_event": True} | fault))


def test_no_event_fits(sources: Arrays) -> None:
    with pytest.raises(CPCError, match="no event has 200 s before it and 0 s after it"):
        split_clips(sources, ProbeSpec("kind", alignment=EVENTS, unit="frame", clip_seconds=200.0, per_event=True))


class Sentences(Arrays):
    """Sources of text."""

    def text(self, index: int, start: int = 0, count: int | None = None) -> list[str]:
        return []

    def every_sentence(self) -> Iterator[str]:
        return iter(())


def of_lengths(kind: type[Arrays], *lengths: int) -> Arrays:
    return kind([np.zeros((length, 1)) for length in lengths], [Item(str(n), "all") for n in range(len(lengths))])


@pytest.mark.parametrize(
    ("sources", "options", "folds"),
    [
        (of_lengths(Sentences, 1, 1), {}, 10),
        (of_lengths(Sentences, 1, 1), {"unit": "recording"}, 10),
        (of_lengths(Sentences, 1, 1), {"curve": (1,)}, 0),
        (of_lengths(Sentences, 1, 1), {"folds": 3}, 3),
        (of_lengths(Sentences, 1, 2), {}, 0),
        (of_lengths(Arrays, 1, 1), {}, 0),
    ],
)
def test_a_table_of_sentences_is_cross_validated_unless_an_option_speaks_against_it(
    sources: Arrays, options: dict, folds: int
) -> None:
    rows = ProbeRows(curve=options.pop("curve", None))
    spec, rows = settled(ProbeSpec("who", **options), rows, sources)
    assert spec.folds == folds and rows.supervised_steps == 0


@pytest.mark.parametrize(
    ("option", "name"), [({"within": 0.5}, "--within"), ({"delay_s": 1.0}, "--delay"), ({"test_on": "who"}, "--test-on")]
)
def test_folds_and_another_split_are_refused(option: dict, name: str) -> None:
    with pytest.raises(CPCError, match=f"--folds and {name}: "):
        settled(ProbeSpec("who", folds=3, **option), ProbeRows(), of_lengths(Arrays, 1))


def test_no_seeds_and_a_supervised_row_are_refused() -> None:
    with pytest.raises(CPCError, match="seeds = 0"):
        settled(ProbeSpec("who"), ProbeRows(seeds=0, supervised_steps=7), of_lengths(Arrays, 1))
    for rows in (ProbeRows(seeds=0), ProbeRows(seeds=0, full=True)):
        assert settled(ProbeSpec("who"), rows, of_lengths(Arrays, 1))[1].supervised_steps == 0


@pytest.mark.parametrize(
    ("rows", "probes", "curve", "steps"),
    [
        (ProbeRows(), ("linear",), (), 0),
        (ProbeRows(full=True), None, LABELS_PER_CLASS, None),
        (ProbeRows(full=True, probes=("MLP",), curve=(), supervised_steps=7), ("MLP",), (), 7),
        (ProbeRows(curve=(3,), supervised_steps=5), ("linear",), (3,), 5),
        (ProbeRows(supervised_curve=True), ("linear",), LABELS_PER_CLASS, None),
    ],
)
def test_the_default_is_linear_alone_and_single_options_override_full(
    rows: ProbeRows, probes: tuple[str, ...] | None, curve: tuple[int, ...], steps: int | None
) -> None:
    _, found = settled(ProbeSpec("who"), rows, of_lengths(Arrays, 1))
    assert (found.probes, found.curve, found.supervised_steps) == (probes, curve, steps)
    _, folded = settled(
        ProbeSpec("who", folds=3), replace(rows, probes=None, curve=None, supervised_curve=False), of_lengths(Arrays, 1)
    )
    assert (folded.probes, folded.curve) == (("linear",), ())
