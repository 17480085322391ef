"""Sources that are no files: arrays, the digits that ship with scikit-learn, and clips of other sources."""

from __future__ import annotations

import numpy as np
import pytest

from tests.data.noise import Ramps
from torchcpc.contracts import CPCError
from torchcpc.data.arrays import Arrays, Item
from torchcpc.data.clips import Clip, Clips, tiles, wholes
from torchcpc.data.digits import digits


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
    clips = Clips(Ramps([50, 60], [3, 4]), [Clip(1, 20, 10), Clip(0, 45, 5)])
    assert len(clips) == 2 and clips.length(0) == 10 and [clips.group(0), clips.group(1)] == [4, 3]
    assert clips.read(0, 0, 99).tolist() == [1001.0 + n for n in range(20, 30)]
    assert (
        clips.read(1, 3, 99).tolist() == [49.0, 50.0] and clips.read(0, 10, 5).tolist() == clips.read(0, 12, 5).tolist() == []
    )


def test_tiles_lie_end_to_end_within_their_stretch() -> None:
    ramps = Ramps([47, 9, 20])
    tiled = tiles(ramps, length=10, begin=0.5)
    assert [(c.source, c.start, c.length) for c in tiled.clips] == [(0, 23, 10), (0, 33, 10), (2, 10, 10)]
    assert [(c.source, c.start, c.length) for c in wholes(ramps).clips] == [(0, 0, 47), (1, 0, 9), (2, 0, 20)]
    with pytest.raises(CPCError, match="no source has 99 positions between 0% and 100%"):
        tiles(ramps, length=99)
