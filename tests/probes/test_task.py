import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.probes.task import Features, Labels, Standardiser, Task, labelled_rows


def labels(y, source):
    return Labels(np.array(y), np.array(source))


def make(**changes):
    parts = {
        "train": labels([0, 1, 2, 2, 2], [0, 0, 1, 2, 3]),
        "validation": labels([0, 1], [4, 4]),
        "test": labels([0, 2, 2, 1, 0, 2, 1], [5, 5, 6, 6, 7, 7, 8]),
    }
    return Task("digit", "recording", ("one", "two", "three"), "by speaker", **(parts | changes))


def test_chance_is_the_test_share_of_the_commonest_training_class():
    assert make().chance == pytest.approx(3 / 7)


def test_a_source_in_two_parts_is_refused():
    with pytest.raises(CPCError, match=r"source 3 \(1 such\) is in both train and validation.*split by source"):
        make(validation=labels([0, 1], [3, 4]))


@pytest.mark.parametrize("y, message", [([0, -1], "unlabelled rows"), ([0, 3], "labels run from 0 to 3, classes from 0 to 2")])
def test_labels_outside_the_classes_are_refused(y, message):
    with pytest.raises(CPCError, match=message):
        make(validation=labels(y, [4, 4]))


def test_an_empty_part_and_uneven_sources_are_refused():
    with pytest.raises(CPCError, match="the test part has no labelled row"):
        make(test=labels([], []))
    with pytest.raises(CPCError, match=r"labels \(2,\) and sources \(3,\)"):
        make(validation=labels([0, 1], [4, 4, 4]))


def test_features_must_be_finite_and_of_the_tasks_size():
    task, x = make(), {"train": np.zeros((5, 11)), "validation": np.zeros((2, 11)), "test": np.zeros((7, 11))}
    Features("z", **x).check(task)
    with pytest.raises(CPCError, match=r"'z', validation: shape \(3, 11\), but task 'digit' has 2 rows"):
        Features("z", **(x | {"validation": np.zeros((3, 11))})).check(task)
    with pytest.raises(CPCError, match=r"test: shape \(7, 13\).*11 columns"):
        Features("z", **(x | {"test": np.zeros((7, 13))})).check(task)
    with pytest.raises(CPCError, match="not all finite"):
        Features("z", **(x | {"test": np.full((7, 11), np.nan)})).check(task)


def test_standardised_columns_have_mean_0_and_deviation_1_and_dead_ones_vanish():
    x = np.random.default_rng(0).normal(3, 7, size=(101, 3)).astype(np.float32)
    x[:, 1] = 0.1  # constant up to rounding
    out = Standardiser.of(x)(x)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(out.std(axis=0), [1, 0, 1], atol=1e-5)
    step = np.array([7 / x[:, 0].std(), 0, 7 / x[:, 2].std()])
    np.testing.assert_allclose(Standardiser.of(x)(x[:2] + 7), out[:2] + step, rtol=1e-4)


def test_labelled_rows_leave_out_unlabelled_frames_and_keep_the_rest_in_step():
    frames = [np.arange(6.0).reshape(3, 2), 10 + np.arange(4.0).reshape(2, 2)]
    x, rows = labelled_rows(frames, [np.array([-1, 4, 2]), np.array([0, -1])], [17, 19])
    np.testing.assert_array_equal(x, [[2, 3], [4, 5], [10, 11]])
    np.testing.assert_array_equal(rows.y_M, [4, 2, 0])
    np.testing.assert_array_equal(rows.source_M, [17, 17, 19])
    with pytest.raises(CPCError, match="source 19: 2 frames but 3 frame labels"):
        labelled_rows(frames, [np.zeros(3), np.zeros(3)], [17, 19])
