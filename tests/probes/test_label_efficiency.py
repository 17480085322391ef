import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.probes.linear import PENALTIES, _folds, efficiency, label_draws, preferred
from torchcpc.probes.logistic import solve_path
from torchcpc.probes.single_split import probe
from torchcpc.probes.task import Labels, Task

from .worlds import gaussian_classes


def test_draws_have_so_many_of_each_class_and_grow_by_adding():
    y = np.random.default_rng(0).choice(5, size=199, p=[0.5, 0.3, 0.1, 0.08, 0.02])
    labels = Labels(y, np.arange(199))
    few, more = label_draws(labels, per_class=2, draws=3), label_draws(labels, per_class=7, draws=3)
    available = np.bincount(y)
    for small, large in zip(few, more, strict=True):
        np.testing.assert_array_equal(np.bincount(y[small]), np.minimum(available, 2))
        np.testing.assert_array_equal(np.bincount(y[large]), np.minimum(available, 7))
        assert set(small) <= set(large)
        assert len(set(large)) == len(large)
    assert set(more[0]) != set(more[1])
    np.testing.assert_array_equal(more[2], label_draws(labels, per_class=7, draws=3)[2])
    with pytest.raises(CPCError, match="per_class = 0 and draws = 3"):
        label_draws(labels, per_class=0, draws=3)


def test_accuracy_grows_from_few_labels_to_the_tables_own_row():
    task, features = gaussian_classes(dim=11, spread=0.6)
    row = probe([features, features], task)
    curve = efficiency([features, features], task, all_labels=row, points=(1, 5, 20, 100, 1000), draws=4)
    assert [point.labels_per_class for point in curve] == [1, 5, 20, 100, None]
    assert curve[0].hits.hits_RS.shape == (2, 4, 211)
    np.testing.assert_array_equal(curve[0].hits.hits_RS[0], curve[0].hits.hits_RS[1])  # the same draws for both
    means = [point.hits.mean for point in curve]
    assert means[0] + 0.1 < means[2] < means[4] + 0.03
    assert means[4] == pytest.approx(np.mean(row.accuracies))


def test_a_point_is_the_slow_mean_over_draws():
    task, features = gaussian_classes(dim=11, spread=0.6)
    (point, _) = efficiency([features], task, all_labels=probe([features], task), points=(1,), draws=3)
    mean, deviation = features.train.mean(axis=0), features.train.std(axis=0)  # of all training rows, not of those drawn
    slow = []
    for kept in label_draws(task.train, per_class=1, draws=3):
        x = (features.train[kept] - mean) / deviation
        ((_, classifier),) = solve_path(x, task.train.y_M[kept], classes=3, penalties=[0.1])
        slow.append(np.mean(classifier.predict((features.test - mean) / deviation) == task.test.y_M))
    assert point.hits.mean == pytest.approx(np.mean(slow), abs=0.005)


def test_folds_keep_sources_whole():
    source = np.repeat(np.arange(17), 3)
    fold = _folds(source, np.random.default_rng(0))
    assert all(len(set(fold[source == s])) == 1 for s in range(17))
    assert set(fold) == set(range(5))
    assert set(_folds(np.array([3, 3, 9]), np.random.default_rng(0))) == {0, 1}


def test_cross_validation_finds_the_penalty_that_held_out_rows_prefer():
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, size=60)
    noisy = (0.25 * (2 * y - 1)[:, None] + generator.normal(size=(60, 83))).astype(np.float32)
    fold = _folds(np.arange(60), generator)
    labels = Labels(y, np.arange(60))
    task = Task("class", "row", ("a", "b"), labels, Labels(y, np.arange(60, 120)), Labels(y, np.arange(120, 180)))
    chosen = preferred(noisy, y, fold, task)
    right = {
        penalty: sum(
            np.sum(
                dict(solve_path(noisy[fold != f], y[fold != f], classes=2, penalties=[penalty]))[penalty].predict(
                    noisy[fold == f]
                )
                == y[fold == f]
            )
            for f in range(5)
        )
        for penalty in PENALTIES
    }
    assert right[chosen] >= max(right.values()) - 1  # the path and a cold start may differ at a tie of two classes
    assert preferred(noisy, y, np.zeros(60, int), task) == max(PENALTIES)
