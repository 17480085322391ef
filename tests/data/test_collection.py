"""Sources in memory, in every shape people hold them."""

import numpy as np
import pandas as pd
import pytest

from torchcpc.data.collection import blocks, channels, collection
from torchcpc.data.numbers import CollectionError

RAGGED = [np.arange(6.0).reshape(3, 2), np.arange(10.0).reshape(5, 2)]


def same(found, wanted) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(found.sequences, wanted, strict=True))


def test_every_form_of_a_list_is_the_same_sequences():
    pandas = pytest.importorskip("pandas")
    torch = pytest.importorskip("torch")
    objects = np.empty(2, dtype=object)
    objects[:] = RAGGED
    forms = (
        RAGGED,
        tuple(RAGGED),
        [each.tolist() for each in RAGGED],
        [pandas.DataFrame(each) for each in RAGGED],
        [torch.tensor(each) for each in RAGGED],
        objects,
    )
    for form in forms:
        assert same(collection(form), RAGGED)


def test_one_channel_needs_no_second_axis_and_three_axes_are_cases():
    lines = [each[:, 0] for each in RAGGED]
    wanted = [each[:, :1] for each in RAGGED]
    for form in (lines, [line.tolist() for line in lines]):
        assert same(collection(form), wanted)
    cube = np.arange(30.0).reshape(2, 3, 5)
    assert same(collection(cube), list(cube))


@pytest.mark.parametrize("table", [np.ones((3, 2)), [[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0], np.ones(3), [], "text", None])
def test_tables_and_what_is_no_collection_are_left_to_others(table):
    assert collection(table) is None


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ([RAGGED[0], np.array([[1.0, np.nan]])], "sequence 1 contains NaN"),
        ([RAGGED[0], np.ones((2, 3, 5))], r"sequence 1 has shape \(2, 3, 5\)"),
        ([RAGGED[0], np.ones((0, 2))], r"sequence 1 has shape \(0, 2\)"),
        ([RAGGED[0], np.array([["a", "b"]])], "sequence 1 is not numeric"),
    ],
)
def test_what_cannot_be_used_is_named(bad, said):
    with pytest.raises(CollectionError, match=said):
        collection(bad)


def test_frames_of_columns_in_another_order_are_refused():
    frames = [pd.DataFrame(np.ones((3, 2)), columns=columns) for columns in (["a", "b"], ["a", "b"], ["b", "a"])]
    assert len(collection(frames[:2]).sequences) == 2
    with pytest.raises(CollectionError, match=r"sequence 2 has the columns \['b', 'a'\], sequence 0 \['a', 'b'\]"):
        collection(frames)


def test_all_sequences_have_the_same_channels():
    assert channels(RAGGED) == 2
    with pytest.raises(ValueError, match=r"2 sequences with channels \[1, 2\]"):
        channels([RAGGED[0], RAGGED[1][:, :1]])


@pytest.mark.parametrize(("steps", "count"), [(2, 2), (13, 2), (29, 4), (1000, 10)])
def test_blocks_follow_one_another_and_are_long_enough(steps, count):
    sequence = np.arange(steps, dtype=float)[:, None]
    made = blocks(sequence, length=7)
    assert len(made) == count and np.array_equal(np.concatenate(made), sequence)
