"""The linear probe: how much of a label a linear model reads off frozen features (section 3 of arXiv:1807.03748).

Columns are standardised with the training part's statistics; multinomial logistic regression is fitted on the training part for
each penalty of one grid, the same for every row of a table; the penalty that the validation part judges best is kept (the
stronger of equals); its classifier answers the test part, once. It is not fitted again on training and validation together:
then every row, a supervised network with early stopping too, has learned from the same labels.

Where the labels bear groups, the test is a group never seen, and a validation part of groups that are known would select too weak a
penalty. Then each group of training and validation is left out in turn, the penalty that judges them best on average is selected, and
the classifier is fitted on all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.probes.logistic import LinearClassifier, solve_path
from torchcpc.probes.probe_result import Answers
from torchcpc.probes.task import Features, Task
from torchcpc.statistics.standardise import Scale

PENALTIES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
# What carries over to a new group can be the means of the classes and little more, which is where strong penalties lead.
STRONGER = (100.0, 10.0)


def linear_probe(
    features: Features, task: Task, *, penalties: Sequence[float] = PENALTIES, most_rows: int = 500_000, seed: int = 0
) -> Answers:
    """Answers on the test part and the penalty that the validation part selected.

    most_rows: a longer training part is thinned to this many rows, drawn by `seed` and the same for all features of the task.
    """
    if most_rows < 1:
        raise CPCError(f"most_rows = {most_rows}: the probe needs at least one training row.")
    features.check(task)
    if task.train.group_M is not None:
        return _across_groups(features, task, (*STRONGER, *penalties), most_rows, seed)
    kept_M = thinned(len(task.train.y_M), most_rows, seed)
    standardised = Scale.of(features.train).astype(np.float32)
    validation_MD = standardised(features.validation)
    solved = path(standardised(features.train[kept_M]), task.train.y_M[kept_M], task, penalties)
    judged = [(task.judge(own.predict(validation_MD), task.validation.y_M), penalty, own) for penalty, own in solved]
    _, penalty, classifier = max(judged, key=lambda each: each[0])  # the first, strongest, of equals
    return Answers(classifier.predict(standardised(features.test)), task.test.y_M, (penalty,))


def _across_groups(features: Features, task: Task, penalties: Sequence[float], most_rows: int, seed: int) -> Answers:
    known = (task.train, task.validation)
    kept_M = thinned(sum(len(labels.y_M) for labels in known), most_rows, seed)
    x_MD = np.concatenate([features.train, features.validation])[kept_M]
    grouped = [labels.group_M for labels in known if labels.group_M is not None]
    y_M, group_M = (np.concatenate(columns)[kept_M] for columns in ([labels.y_M for labels in known], grouped))
    groups = np.unique(group_M)
    if len(groups) < 2:
        raise CPCError(
            f"task {task.label!r}: one group beside the test cannot be left out. Select the penalty by source instead."
        )
    value = dict.fromkeys(sorted(penalties, reverse=True), 0.0)
    for group in groups:
        left_M = group_M == group
        standardised = Scale.of(x_MD[~left_M]).astype(np.float32)
        held_MD = standardised(x_MD[left_M])
        for penalty, classifier in path(standardised(x_MD[~left_M]), y_M[~left_M], task, penalties):
            value[penalty] += task.judge(classifier.predict(held_MD), y_M[left_M]) / len(groups)
    chosen = max(value, key=lambda penalty: value[penalty])
    standardised = Scale.of(x_MD).astype(np.float32)
    ((_, classifier),) = path(standardised(x_MD), y_M, task, [chosen])
    return Answers(classifier.predict(standardised(features.test)), task.test.y_M, (chosen,))


def path(x_MD: np.ndarray, y_M: np.ndarray, task: Task, penalties: Sequence[float]) -> Iterator[tuple[float, LinearClassifier]]:
    """`solve_path` with the classes and weights of a task."""
    # A hundred thousand frames answer alike to a tenth of a percent whether a step's gain is followed to 1e-5 nats or to 1e-7.
    weight_M = task.weight_K(y_M)[y_M]
    return solve_path(x_MD, y_M, classes=task.classes, penalties=penalties, tolerance=1e-5, weight_M=weight_M)


def thinned(rows: int, most: int, seed: int) -> np.ndarray | slice:
    """Which of `rows` rows to keep when there are more than `most`: drawn by `seed`, in their order."""
    if rows <= most:
        return slice(None)
    return np.sort(np.random.default_rng(seed).choice(rows, size=most, replace=False))
