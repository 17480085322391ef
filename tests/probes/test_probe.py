import dataclasses

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from torchcpc.contracts import CPCError
from torchcpc.probes.linear import PENALTIES, STRONGER, linear_probe, thinned
from torchcpc.probes.single_split import probe
from torchcpc.probes.task import Features, Labels, Task

from .worlds import gaussian_classes


def test_gaussian_classes_are_told_apart_as_well_as_the_best_linear_rule_does():
    task, features = gaussian_classes()
    rule = LinearDiscriminantAnalysis().fit(features.train, task.train.y_M)
    best = np.mean(rule.predict(features.test) == task.test.y_M)
    assert linear_probe(features, task).correct_M.mean() == pytest.approx(best, abs=0.03)
    assert best > 0.8


def test_the_penalty_is_the_one_that_a_slow_search_on_the_validation_part_finds():
    chosen = set()
    for seed in range(4):
        # Nearly as many columns as rows, so that the penalty matters.
        task, features = gaussian_classes(dim=97, spread=0.15, seed=seed)
        mean, deviation = features.train.mean(axis=0), features.train.std(axis=0)
        accuracy, answers = {}, {}
        for penalty in PENALTIES:
            model = LogisticRegression(C=1 / (penalty * 397), tol=1e-8, max_iter=5000)
            model.fit((features.train - mean) / deviation, task.train.y_M)
            accuracy[penalty] = model.score((features.validation - mean) / deviation, task.validation.y_M)
            answers[penalty] = model.predict((features.test - mean) / deviation)
        found = linear_probe(features, task)
        # The probe stops a little short of scikit-learn's optimum, which may turn one validation row of 101.
        assert found.penalties[0] is not None
        assert accuracy[found.penalties[0]] >= max(accuracy.values()) - 1.5 / 101
        assert np.mean(found.correct_M == (answers[found.penalties[0]] == task.test.y_M)) > 0.97
        assert max(accuracy.values()) - min(accuracy.values()) > 3 / 101
        chosen.add(found.penalties[0])
    assert len(chosen) > 1


def test_test_labels_have_no_say_in_what_is_chosen_or_answered():
    task, features = gaussian_classes(dim=97, spread=0.15, seed=1)
    other = dataclasses.replace(task, test=Labels((task.test.y_M + 1) % 3, task.test.source_M))
    one, two = linear_probe(features, task), linear_probe(features, other)
    assert one.penalties == two.penalties
    assert not np.any(one.correct_M & two.correct_M)  # the same answer cannot be right under both labellings


def test_scaling_shifting_and_dead_columns_change_nothing():
    task, features = gaussian_classes(spread=0.5)
    change = lambda x: np.concatenate([x * 1000 + 50, np.full((len(x), 2), 3.0)], axis=1)  # noqa: E731
    changed = Features("changed", *(change(x) for x in (features.train, features.validation, features.test)))
    one, two = linear_probe(features, task), linear_probe(changed, task)
    assert one.penalties == two.penalties
    assert np.mean(one.correct_M == two.correct_M) > 0.99


def test_thinning_keeps_the_asked_number_of_rows_and_depends_on_the_seed_alone():
    kept = np.arange(1000)[thinned(1000, 313, 0)]
    assert len(kept) == len(set(kept)) == 313
    np.testing.assert_array_equal(kept, np.arange(1000)[thinned(1000, 313, 0)])
    assert set(kept) != set(np.arange(1000)[thinned(1000, 313, 1)])
    assert len(np.arange(1000)[thinned(1000, 1000, 0)]) == 1000
    task, features = gaussian_classes()
    assert linear_probe(features, task, most_rows=53).correct_M.mean() > 0.7
    with pytest.raises(CPCError, match="most_rows = 0"):
        linear_probe(features, task, most_rows=0)


def test_with_groups_the_penalty_is_the_one_that_new_groups_prefer():
    """The witness leaves one group after another out with scikit-learn, and fits on all groups at last."""
    generator = np.random.default_rng(3)
    sizes, penalties = {"train": 4, "validation": 1, "test": 1}, (*STRONGER, *PENALTIES)
    x, labels, first = {}, {}, 0
    for name, groups in sizes.items():
        y = generator.integers(0, 3, size=groups * 61)
        group = first + np.repeat(np.arange(groups), 61)
        # Classes lie apart along three columns; every group has its own way of moving each class along forty others.
        own = generator.normal(size=(groups, 3, 40)).repeat(61, axis=0)[np.arange(len(y)), y]
        x[name] = np.concatenate([1.5 * np.eye(3)[y], 3 * own], axis=1) + generator.normal(size=(len(y), 43))
        labels[name] = Labels(y, 1000 * first + np.arange(len(y)), group)
        first += groups
    task = Task("class", "row", ("a", "b", "c"), **labels)
    features = Features("points", *(part.astype(np.float32) for part in x.values()))
    known_x, known_y = (
        np.concatenate([x["train"], x["validation"]]),
        np.concatenate([labels["train"].y_M, labels["validation"].y_M]),
    )
    known_group = np.concatenate([labels["train"].group_M, labels["validation"].group_M])

    def fitted(rows, penalty):
        mean, deviation = known_x[rows].mean(axis=0), known_x[rows].std(axis=0)
        model = LogisticRegression(C=1 / (penalty * rows.sum()), tol=1e-8, max_iter=5000)
        model.fit((known_x[rows] - mean) / deviation, known_y[rows])
        return lambda new: model.predict((new - mean) / deviation)

    share = {
        penalty: np.mean(
            [
                np.mean(fitted(known_group != g, penalty)(known_x[known_group == g]) == known_y[known_group == g])
                for g in range(5)
            ]
        )
        for penalty in penalties
    }
    found = linear_probe(features, task)
    assert found.penalties[0] is not None and share[found.penalties[0]] >= max(share.values()) - 1.5 / 305
    everything = np.ones(len(known_y), bool)
    answers = fitted(everything, found.penalties[0])(x["test"])
    assert np.mean(answers == found.predicted_M) > 0.97
    by_source = dataclasses.replace(task, **{n: Labels(labels[n].y_M, labels[n].source_M) for n in sizes})
    assert linear_probe(features, by_source).penalties[0] is not None
    one = Labels(labels["train"].y_M, labels["train"].source_M, np.zeros(244, int))
    other = Labels(labels["validation"].y_M, labels["validation"].source_M, np.zeros(61, int))
    with pytest.raises(CPCError, match="one group"):
        linear_probe(features, dataclasses.replace(task, train=one, validation=other))


def test_a_row_holds_every_seed():
    task, features = gaussian_classes(spread=0.5)
    worse = dataclasses.replace(features, train=features.train[::-1])  # labels of other rows
    row = probe([features, worse], task)
    assert (row.features, row.role, row.probe, row.dim, row.correct_RM.shape) == ("points", "cpc", "linear", 7, (2, 211))
    assert row.accuracies[0] == np.mean(linear_probe(features, task).correct_M) > row.accuracies[1]


def test_faults_are_named():
    task, features = gaussian_classes()
    with pytest.raises(CPCError, match="probe = 'forest' is unknown. Choose one of linear, MLP"):
        probe([features], task, kind="forest")
    with pytest.raises(CPCError, match="'points' of 7 columns, 'others' of 7 columns; make a row for each"):
        probe([features, dataclasses.replace(features, name="others")], task)
    with pytest.raises(CPCError, match="but these are none"):
        probe([], task)
