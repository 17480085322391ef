"""The linear probe: how much of a label a linear model reads off frozen features (section 3 of arXiv:1807.03748), and from how few.

Columns are standardised by the training part; multinomial logistic regression is fitted to it for each penalty of one grid; the penalty
that the validation part judges best is kept; its classifier answers the test part, once. It is not fitted again on training and
validation together: then every row, a supervised network with early stopping too, has learned from the same labels.

Where the labels bear groups, the test is a group never seen, and a validation part of groups that are known would select too weak a
penalty. Then each group of both is left out in turn to select the penalty, and the classifier is fitted on all of them.

Label efficiency is test accuracy from one label of each class up to all of them (there it is the table's own row). A point averages
several draws of training rows: the same for all features, and nested. The validation part would spend more labels on the penalty than
are counted, so 5-fold cross-validation inside the drawn labels selects it (of one label a class: 0.1, for none can be held out).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.probes.logistic import LinearClassifier, solve_path
from torchcpc.probes.table import Point, ProbeRow, curve
from torchcpc.probes.task import Answers, Features, Labels, Task
from torchcpc.statistics.standardise import Scale

PENALTIES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
# What carries over to a new group can be the means of the classes and little more, which is where strong penalties lead.
STRONGER = (100.0, 10.0)
SINGLE_LABEL_PENALTY, FOLDS = 0.1, 5


def linear_probe(features: Features, task: Task, *, most_rows: int = 500_000) -> Answers:
    """Answers on the test part and the penalty that the validation part selected. most_rows: a longer training part is thinned to
    this many rows, the same for all features of the task."""
    if most_rows < 1:
        raise CPCError(f"most_rows = {most_rows}: the probe needs at least one training row.")
    features.check(task)
    if task.train.group_M is not None:
        return _across_groups(features, task, most_rows)
    kept_M = thinned(len(task.train.y_M), most_rows)
    standardised = Scale.of(features.train).astype(np.float32)
    validation_MD = standardised(features.validation)
    solved = path(standardised(features.train[kept_M]), task.train.y_M[kept_M], task, PENALTIES)
    judged = [(task.judge(own.predict(validation_MD), task.validation.y_M), penalty, own) for penalty, own in solved]
    _, penalty, classifier = max(judged, key=lambda each: each[0])  # the first, strongest, of equals
    return Answers(classifier.predict(standardised(features.test)), task.test.y_M, (penalty,))


def _across_groups(features: Features, task: Task, most_rows: int) -> Answers:
    known = (task.train, task.validation)
    kept_M = thinned(sum(len(labels.y_M) for labels in known), most_rows)
    x_MD = np.concatenate([features.train, features.validation])[kept_M]
    y_M = np.concatenate([labels.y_M for labels in known])[kept_M]
    group_M = np.concatenate([labels.group_M for labels in known if labels.group_M is not None])[kept_M]
    if len(np.unique(group_M)) < 2:
        raise CPCError(f"task {task.label!r}: one group beside the test cannot be left out. Select the penalty by source.")
    penalty = preferred(x_MD, y_M, group_M, task, across_groups=True)
    standardised = Scale.of(x_MD).astype(np.float32)
    ((_, classifier),) = path(standardised(x_MD), y_M, task, [penalty])
    return Answers(classifier.predict(standardised(features.test)), task.test.y_M, (penalty,))


def preferred(x_MD: np.ndarray, y_M: np.ndarray, part_M: np.ndarray, task: Task, *, across_groups: bool = False) -> float:
    """The penalty under which the parts of the rows, left out in turn, are answered best: the strongest of equals, and of all with a
    single part. Counts right answers; across groups each group counts alike, as the task judges, and columns are standardised anew."""
    penalties, parts = (*STRONGER, *PENALTIES) if across_groups else PENALTIES, np.unique(part_M)
    value = dict.fromkeys(penalties, 0.0)
    for part in parts if len(parts) > 1 else ():
        held_M = part_M == part
        train_MD, held_MD, truth_M = x_MD[~held_M], x_MD[held_M], y_M[held_M]
        if across_groups:
            standardised = Scale.of(train_MD).astype(np.float32)
            train_MD, held_MD = standardised(train_MD), standardised(held_MD)
        for penalty, classifier in path(train_MD, y_M[~held_M], task, penalties):
            predicted_M = classifier.predict(held_MD)
            right = np.count_nonzero(predicted_M == truth_M)
            value[penalty] += task.judge(predicted_M, truth_M) / len(parts) if across_groups else right
    return max(value, key=lambda penalty: value[penalty])


def path(x_MD: np.ndarray, y_M: np.ndarray, task: Task, penalties: Sequence[float]) -> Iterator[tuple[float, LinearClassifier]]:
    """`solve_path` with the classes and weights of a task."""
    # A hundred thousand frames answer alike to a tenth of a percent whether a step's gain is followed to 1e-5 nats or to 1e-7.
    return solve_path(x_MD, y_M, task.weight_K(y_M)[y_M], classes=task.classes, penalties=penalties, tolerance=1e-5)


def thinned(rows: int, most: int, seed: int = 0) -> np.ndarray | slice:
    """Which of `rows` rows to keep when there are more than `most`: drawn by `seed`, in their order."""
    return slice(None) if rows <= most else np.sort(np.random.default_rng(seed).choice(rows, size=most, replace=False))


def label_draws(labels: Labels, *, per_class: int, draws: int) -> list[np.ndarray]:
    """Row numbers of `draws` sets with `per_class` rows of each class present (all it has, if fewer). Sets of a smaller number are
    the beginnings of these, class by class."""
    if per_class < 1 or draws < 1:
        raise CPCError(f"per_class = {per_class} and draws = {draws} must both be at least 1.")
    orders = [np.random.default_rng([0, draw]).permutation(len(labels.y_M)) for draw in range(draws)]
    classes = np.unique(labels.y_M)
    return [np.concatenate([order[labels.y_M[order] == k][:per_class] for k in classes]) for order in orders]


def efficiency(
    features: Sequence[Features], task: Task, *, all_labels: ProbeRow, points: Sequence[int], draws: int
) -> list[Point]:
    """The curve of one kind of features from several seeds; `all_labels` is its linear row."""

    def correct_RQM(per_class: int) -> np.ndarray:
        sets = label_draws(task.train, per_class=per_class, draws=draws)
        return np.stack([_correct(of_seed, task, sets, per_class) for of_seed in features])

    return curve(all_labels, task, points, correct_RQM)


def _correct(features: Features, task: Task, sets: Sequence[np.ndarray], per_class: int) -> np.ndarray:
    """Which test rows are answered correctly from each set of labelled rows: [sets, M] bool."""
    features.check(task)
    standardised = Scale.of(features.train).astype(np.float32)
    test_MD, correct = standardised(features.test), []
    for draw, kept in enumerate(sets):
        x_MD, y_M, penalty = standardised(features.train[kept]), task.train.y_M[kept], SINGLE_LABEL_PENALTY
        if per_class > 1:
            unit_M = task.train.source_M if task.train.group_M is None else task.train.group_M
            penalty = preferred(x_MD, y_M, _folds(unit_M[kept], np.random.default_rng([0, draw])), task)
        ((_, classifier),) = path(x_MD, y_M, task, [penalty])
        correct.append(classifier.predict(test_MD) == task.test.y_M)
    return np.stack(correct)


def _folds(source_M: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A fold for each row; the rows of one source share theirs, since neighbouring frames nearly repeat each other."""
    sources, place_M = np.unique(source_M, return_inverse=True)
    return generator.permutation(len(sources))[place_M] % min(FOLDS, len(sources))
