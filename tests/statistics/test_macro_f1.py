"""Macro-F1 against scikit-learn, and its intervals against what they must be."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from torchcpc.contracts import CPCError
from torchcpc.statistics.intervals import Confusions, difference_interval, share_interval


def answers(seed: int = 0, rows: int = 211, classes: int = 5, right: float = 0.7):
    rng = np.random.default_rng(seed)
    y = rng.choice(classes - 1, rows, p=[0.7, 0.2, 0.07, 0.03])  # the last class is predicted now and then, but never there
    predicted = np.where(rng.random((3, rows)) < right, y, rng.integers(classes, size=(3, rows)))
    return predicted, y, rng.integers(7, size=rows)


def test_against_scikit_learn() -> None:
    predicted, y, source = answers()
    found = Confusions.of(predicted, y, source)
    each = np.stack([f1_score(y, p, labels=np.unique(y), average=None) for p in predicted])
    np.testing.assert_allclose(found.per_class, each.mean(axis=0))
    assert found.mean == pytest.approx(each.mean())


def test_without_a_source_it_is_the_score_of_the_other_rows() -> None:
    predicted, y, source = answers(1)
    found = Confusions.of(predicted, y, source).spread()
    for number, value in enumerate(found.without_units):
        rows = source != number
        each = [f1_score(y[rows], p[rows], labels=np.unique(y[rows]), average="macro") for p in predicted]
        assert value == pytest.approx(np.mean(each))
    one, _, three = (f1_score(y, p, labels=np.unique(y), average="macro") for p in predicted)
    assert found.without_others[0][1] == pytest.approx((one + three) / 2)


def test_intervals_hold_the_value_and_equal_answers_differ_by_nothing() -> None:
    predicted, y, source = answers(2)
    better, _, _ = answers(2, right=0.95)
    one, other = Confusions.of(better, y, source), Confusions.of(predicted, y, source)
    found = share_interval(other)
    assert 0 < found.low < found.mean < found.high < 1
    gap = difference_interval(one, other)
    assert gap.mean == pytest.approx(one.mean - other.mean) and 0 < gap.low < gap.mean < gap.high
    same = difference_interval(one, one)
    assert (same.mean, same.low, same.high) == (0, 0, 0)


def test_other_rows_are_refused() -> None:
    predicted, y, source = answers(3)
    with pytest.raises(CPCError, match="give one a row"):
        Confusions.of(predicted[:, 1:], y, source)
    with pytest.raises(CPCError, match="same test rows"):
        difference_interval(Confusions.of(predicted, y, source), Confusions.of(predicted, y, source[::-1]))
