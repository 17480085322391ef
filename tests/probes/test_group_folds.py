import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.probes.nested_cv import grouped_folds, together


@pytest.fixture
def rows():
    generator = np.random.default_rng(0)
    group = generator.integers(0, 211, size=997)
    return (generator.random(997) < 0.3).astype(int), group


def test_groups_never_cross_and_folds_are_alike(rows):
    y, group = rows
    fold = grouped_folds(y, group, folds=7)
    assert all(len(set(fold[group == g])) == 1 for g in set(group))
    sizes = np.bincount(fold, minlength=7)
    assert sizes.min() > 0.9 * 997 / 7 and sizes.max() < 1.1 * 997 / 7
    single = grouped_folds(y, np.arange(997), folds=7)
    assert np.ptp(np.bincount(single)) <= 1
    assert max(abs(y[single == f].sum() - y.sum() / 7) for f in range(7)) <= 1


def test_rows_sorted_by_class_are_shuffled_by_the_seed_and_only_by_it(rows):
    y, group = np.repeat([0, 1], [501, 496]), np.arange(997)
    one = grouped_folds(y, group, folds=5)
    np.testing.assert_array_equal(one, grouped_folds(y, group, folds=5))
    assert np.mean(one == grouped_folds(y, group, folds=5, seed=1)) < 0.3
    assert len(set(one[:10])) > 1
    # No stretch of neighbours is one fold: a plain cut of sorted data would be.
    assert max(np.bincount(one[:100], minlength=5)) < 40


@pytest.mark.parametrize("folds, message", [(1, "folds = 1"), (6, "class 1 has 5 of 17 groups"), (19, "class 0 has 12 of 17")])
def test_more_folds_than_groups_of_a_class_are_refused(folds, message):
    y = np.repeat([0, 1], [24, 10])
    with pytest.raises(CPCError, match=message):
        grouped_folds(y, np.arange(34) // 2, folds=folds)


def test_rows_that_agree_anywhere_belong_together():
    text = ["a", "b", "a", "c", "d", "e"]
    speaker = ["x", "y", "z", "z", "w", "w"]
    assert len(set(together(text))) == 5
    number = together(text, speaker)  # 0 and 2 by text, 2 and 3 by speaker, 4 and 5 by speaker
    assert number[0] == number[2] == number[3] and number[4] == number[5]
    assert len(set(number)) == 3
