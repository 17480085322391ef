"""Sources that are no files: arrays, the digits that ship with scikit-learn, and clips of other sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data.noise import Ramps
from torchcpc.contracts import CPCError, Skipped, Sources
from torchcpc.data.arrays import Arrays, Item, digits
from torchcpc.data.audio.recordings import Recording, Recordings
from torchcpc.data.clips import Clip, Clips, Shuffled, tiles, wholes


def test_arrays_read_by_position_and_keep_their_group_numbers() -> None:
    arrays = Arrays([np.arange(14.0).reshape(7, 2), np.arange(6.0).reshape(3, 2)], [Item("k", "b", {"d": "5"}), Item("l", "a")])
    assert len(arrays) == 2 and arrays.length(0) == 7 and [arrays.group(0), arrays.group(1)] == [1, 0]
    assert arrays.read(0, 5, 9).tolist() == [[10, 11], [12, 13]] and arrays.read(0, 0, 1).dtype == np.float32
    assert arrays.labels("d") == ["5", ""] and arrays.labels("group") == ["b", "a"]
    assert arrays.select([0]).group(0) == 1


def test_arrays_refuse_what_is_not_finite_or_not_rows() -> None:
    for array in (np.array([[np.nan]]), np.zeros(3)):
        with pytest.raises(CPCError, match="k: an array of shape"):
            Arrays([array], [Item("k", "g")])
    with pytest.raises(CPCError, match="1 arrays and 0 items"):
        Arrays([np.zeros((1, 1))], [])


def test_digits_are_rows_of_real_images() -> None:
    from sklearn.datasets import load_digits

    sources = digits()
    assert len(sources) == 1797 and {sources.length(i) for i in range(1797)} == {8}
    image = load_digits().images[1000]
    np.testing.assert_allclose(sources.read(1000, 2, 3), image[2:5] / 8 - 1)
    assert sources.labels("digit")[1000] == str(load_digits().target[1000])
    assert sources.labels("split") == ["train"] * 1437 + ["test"] * 360


def test_a_clip_shows_nothing_beyond_itself() -> None:
    ramps = Ramps([50, 60], [3, 4])
    clips = Clips(ramps, [Clip.of(ramps, 1, 20, 10), Clip.of(ramps, 0, 45, 5)])
    assert len(clips) == 2 and clips.length(0) == 10 and [clips.group(0), clips.group(1)] == [4, 3]
    assert clips.read(0, 0, 99).tolist() == [1001.0 + n for n in range(20, 30)]
    assert (
        clips.read(1, 3, 99).tolist() == [49.0, 50.0] and clips.read(0, 10, 5).tolist() == clips.read(0, 12, 5).tolist() == []
    )


def test_tiles_lie_end_to_end_within_their_stretch() -> None:
    ramps = Ramps([47, 9, 20])
    tiled = tiles(ramps, length=10, begin=0.5)
    assert [(c.source, c.start, c.length) for c in tiled.items] == [(0, 23, 10), (0, 33, 10), (2, 10, 10)]
    assert [(c.source, c.start, c.length) for c in wholes(ramps).items] == [(0, 0, 47), (1, 0, 9), (2, 0, 20)]
    with pytest.raises(CPCError, match="no source has 99 positions between 0% and 100%"):
        tiles(ramps, length=99)


@pytest.fixture
def recordings() -> Recordings:
    shape = {"rate": 8_000, "channels": 1, "frames": 36_000, "begin": 0, "end": 36_000}
    items = [Recording(f"{g}/{n}.wav", g, {"word": w}, Path(f"{g}/{n}.wav"), 4.5, **shape) for n, (g, w) in enumerate(SAID)]
    return Recordings(items, rate=16_000, skipped=[Skipped("x.wav", "silent")] * 2)


SAID = [("b", "yes"), ("a", ""), ("c", "no"), ("b", "no")]


def test_what_every_list_of_sources_knows(recordings: Recordings) -> None:
    assert (len(recordings), recordings.groups, recordings.hours) == (4, ["a", "b", "c"], 18 / 3600)
    assert repr(recordings) == "Recordings(4 recordings, 3 groups, 0.01 h, 2 skipped)"
    assert recordings.labels("word") == ["yes", "", "no", "no"] and recordings.labels("other") == [""] * 4
    assert recordings.labels("speaker") == recordings.labels("group") == ["b", "a", "c", "b"]
    chosen = recordings.select([2, 0])
    assert [chosen.group(0), chosen.group(1)] == [2, 1] and chosen.labels("word") == ["no", "yes"]
    assert (len(chosen), len(recordings), chosen.rate, chosen.skipped) == (2, 4, 16_000, recordings.skipped)
    assert chosen.length(0) == 72_000 and chosen.hours == 9 / 3600
    assert repr(digits().select([4])) == "Arrays(1 sources, 1,797 groups)"


def test_clips_and_shuffled_sources_keep_what_is_known_of_their_source(recordings: Recordings) -> None:
    clips = Clips(
        recordings, [Clip.of(recordings, 3, 10, 8_000), Clip.of(recordings, 1, 0, 16_000), Clip.of(recordings, 3, 0, 9)]
    )
    assert clips.labels("word") == ["no", "", "no"] and clips.labels("speaker") == ["b", "a", "b"]
    assert [clips.group(i) for i in range(3)] == [1, 0, 1] and clips.groups == ["a", "b", "c"]
    assert [item.key for item in clips.items] == ["b/3.wav", "a/1.wav", "b/3.wav"]
    assert clips.rate == 16_000 and clips.hours == pytest.approx((0.5 + 1 + 9 / 16_000) / 3600)
    chosen = clips.select([1])
    assert (chosen.length(0), chosen.labels("speaker"), chosen.group(0)) == (16_000, ["a"], 0)
    mixed = Shuffled(recordings, 3, 2, 9, stride=160)
    assert (mixed.labels("speaker"), mixed.group(0), mixed.rate) == (["b"], 1, 16_000)
    assert len(mixed) == 1 and mixed.select([0]).length(0) == 72_000 and mixed.hours == 4.5 / 3600


def test_clips_of_clips_and_of_shuffled_sources_read_the_same_positions() -> None:
    ramps = Ramps([50, 60])
    clips = Clips(ramps, [Clip.of(ramps, 1, 20, 10), Clip.of(ramps, 0, 3, 9)])
    within = wholes(clips.select([1]), begin=0.5)
    assert within.read(0, 0, 99).tolist() == ramps.read(0, 7, 5).tolist() and within.labels("parity") == ["e"]
    mixed = Shuffled(clips, 1, 0, 9)
    assert sorted(mixed.select([0]).read(0, 0, 9).tolist()) == clips.read(1, 0, 9).tolist()


def test_every_list_of_sources_provides_the_contract(recordings: Recordings) -> None:
    declared = [name for name in vars(Sources) if not name.startswith("_")]
    for sources in (recordings, digits(), wholes(recordings), Shuffled(recordings, 0, 0, 5)):
        assert {"items", "rate", "hours", "groups", "skipped", "notes", "labels", "select"} <= set(declared)
        assert all(name in dir(sources) for name in [*declared, "__len__"])
