import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.probes.task import Features, Labels, Task


def labels(y, source):
    return Labels(np.array(y), np.array(source))


def make(**changes):
    parts = {
        "train": labels([0, 1, 2, 2, 2], [0, 0, 1, 2, 3]),
        "validation": labels([0, 1], [4, 4]),
        "test": labels([0, 2, 2, 1, 0, 2, 1], [5, 5, 6, 6, 7, 7, 8]),
    }
    return Task("digit", "recording", ("one", "two", "three"), **(parts | changes))


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
