"""The linear probe: how well a linear model predicts a label from frozen features (section 3 of arXiv:1807.03748).

Columns are standardised by the training part. A multinomial logistic regression is fitted for each penalty of one
grid. The validation part selects the penalty, and that classifier answers the test part once. It is not fitted again
on training and validation together. So every row has learned from the same labels, and that includes a supervised
network with early stopping.

If the labels have groups, the test part holds new groups. A validation part of known groups would then select too
weak a penalty. So each known group is left out in turn to select the penalty, and the classifier is fitted on all of
them.

Label efficiency is the test accuracy from a few labels of each class up to all of them. A point averages several
draws of training rows. The draws are the same for all features, and each larger draw contains the smaller one.

A validation part would use more labels for the penalty than are counted. So 5-fold cross-validation inside the drawn
labels selects it. With one label per class nothing can be held out, and the penalty is 0.1.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.probes.logistic import LinearClassifier, solve_path
from torchcpc.probes.table import Point, ProbeRow, curve
from torchcpc.probes.task import Answers, Features, Labels, Task
from torchcpc.statistics.standardise import Scale

PENALTIES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
# For a new group, often little more than the class means carries over. Strong penalties lead to such a classifier.
STRONGER = (100.0, 10.0)
SINGLE_LABEL_PENALTY, FOLDS = 0.1, 5


def linear_probe(features: Features, task: Task, *, most_rows: int = 500_000) -> Answers:
    """Fit the linear probe and answer the test part.

    Args:
        features: The features.
        task: The classification.
        most_rows: A longer training part is thinned to this many rows. They are the same for all features of the
            task.

    Returns:
        The answers on the test part, and the penalty.

    Raises:
        CPCError: If the features do not fit the task, or if `most_rows` is below 1.
    """
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
    _, penalty, classifier = max(judged, key=lambda each: each[0])  # of equal ones the first, which is the strongest
    return Answers(classifier.predict(standardised(features.test)), task.test.y_M, (penalty,))


def _across_groups(features: Features, task: Task, most_rows: int) -> Answers:
    known = (task.train, task.validation)
    kept_M = thinned(sum(len(labels.y_M) for labels in known), most_rows)
    x_MD = np.concatenate([features.train, features.validation])[kept_M]
    y_M = np.concatenate([labels.y_M for labels in known])[kept_M]
    group_M = np.concatenate([labels.group_M for labels in known if labels.group_M is not None])[kept_M]
    if len(np.unique(group_M)) < 2:
        raise CPCError(
            f"task {task.label!r}: there is one group outside the test, so none can be left out. Select the penalty by source."
        )
    penalty = preferred(x_MD, y_M, group_M, task, across_groups=True)
    standardised = Scale.of(x_MD).astype(np.float32)
    ((_, classifier),) = path(standardised(x_MD), y_M, task, [penalty])
    return Answers(classifier.predict(standardised(features.test)), task.test.y_M, (penalty,))


def preferred(x_MD: np.ndarray, y_M: np.ndarray, part_M: np.ndarray, task: Task, *, across_groups: bool = False) -> float:
    """Select a penalty by leaving out each part of the rows in turn.

    The score is the number of right answers. Across groups, each group has the same weight, the task judges, and
    columns are standardised anew.

    Args:
        x_MD: The features, [M, D].
        y_M: The classes, [M].
        part_M: The part of each row, [M].
        task: The classification.
        across_groups: Whether the parts are groups.

    Returns:
        The best penalty. It is the strongest if several are equal or if there is a single part.
    """
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
    """Fit a path of penalties with the classes and weights of a task."""
    # On a hundred thousand frames, tolerances of 1e-5 and 1e-7 nats give the same accuracy to a tenth of a percent.
    return solve_path(x_MD, y_M, task.weight_K(y_M)[y_M], classes=task.classes, penalties=penalties, tolerance=1e-5)


def thinned(rows: int, most: int, seed: int = 0) -> np.ndarray | slice:
    """Choose which of `rows` rows to keep if there are more than `most`. The choice is random and keeps the order."""
    return slice(None) if rows <= most else np.sort(np.random.default_rng(seed).choice(rows, size=most, replace=False))


def label_draws(labels: Labels, *, per_class: int, draws: int) -> list[np.ndarray]:
    """Draw labelled rows for a point of the label-efficiency curve.

    A smaller set is the beginning of a larger one, class by class.

    Args:
        labels: The training part.
        per_class: The rows of each class. A class with fewer rows gives all.
        draws: The number of sets.

    Returns:
        The row numbers of each set.

    Raises:
        CPCError: If `per_class` or `draws` is below 1.
    """
    if per_class < 1 or draws < 1:
        raise CPCError(f"per_class = {per_class} and draws = {draws} must both be at least 1.")
    orders = [np.random.default_rng([0, draw]).permutation(len(labels.y_M)) for draw in range(draws)]
    classes = np.unique(labels.y_M)
    return [np.concatenate([order[labels.y_M[order] == k][:per_class] for k in classes]) for order in orders]


def efficiency(
    features: Sequence[Features], task: Task, *, all_labels: ProbeRow, points: Sequence[int], draws: int
) -> list[Point]:
    """Return the label-efficiency curve of one kind of features.

    Args:
        features: The features of each seed.
        task: The classification.
        all_labels: The linear row of these features.
        points: The labels per class at each point.
        draws: The draws of labels at each point.
    """

    def correct_RQM(per_class: int) -> np.ndarray:
        sets = label_draws(task.train, per_class=per_class, draws=draws)
        return np.stack([_correct(of_seed, task, sets, per_class) for of_seed in features])

    return curve(all_labels, task, points, correct_RQM)


def _correct(features: Features, task: Task, sets: Sequence[np.ndarray], per_class: int) -> np.ndarray:
    """Return which test rows are answered correctly from each set of labelled rows: [sets, M] bool."""
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
    """Return a fold for each row. The rows of one source share a fold, because neighbouring frames are nearly equal."""
    sources, place_M = np.unique(source_M, return_inverse=True)
    return generator.permutation(len(sources))[place_M] % min(FOLDS, len(sources))
