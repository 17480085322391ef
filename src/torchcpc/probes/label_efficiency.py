"""Label efficiency: test accuracy of the linear probe from one label of each class up to all of them.

Each point averages several draws of labelled rows from the training part: the same draws for every kind of features, and
nested, so that two labels of a class contain the one. The columns are standardised with all training rows, which takes no
label.

With so few labels, selecting the penalty on the validation part would spend far more labels than are being counted. The rule,
the same for every row: 5-fold cross-validation inside the drawn labels, folds by source (by group where the labels bear groups),
the highest share of held-out answers right (the stronger penalty of equals), then a fit on all that were drawn. One label of a
class cannot be held out, so there the penalty is fixed at 0.1, amid the grid. At "all" the point is the table's own row, whose
penalty the validation part selected.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.probes.linear import PENALTIES, path
from torchcpc.probes.probe_result import Point, ProbeRow
from torchcpc.probes.question import LABELS_PER_CLASS
from torchcpc.probes.task import Features, Labels, Task
from torchcpc.statistics.intervals import Hits
from torchcpc.statistics.standardise import Scale

SINGLE_LABEL_PENALTY = 0.1
FOLDS = 5


def label_draws(labels: Labels, *, per_class: int, draws: int = 5, seed: int = 0) -> list[np.ndarray]:
    """Row numbers of `draws` sets with `per_class` rows of each class present (all it has, if fewer). Sets of a smaller number
    are the beginnings of these, class by class. Use the same sets to train a supervised network on few labels."""
    if per_class < 1 or draws < 1:
        raise CPCError(f"per_class = {per_class} and draws = {draws} must both be at least 1.")
    sets = []
    for draw in range(draws):
        order = np.random.default_rng([seed, draw]).permutation(len(labels.y_M))
        sets.append(np.concatenate([order[labels.y_M[order] == k][:per_class] for k in np.unique(labels.y_M)]))
    return sets


def efficiency(
    features: Sequence[Features], task: Task, *, all_labels: ProbeRow, points: Sequence[int] = LABELS_PER_CLASS, draws: int = 5
) -> list[Point]:
    """The curve of one kind of features from several seeds; `all_labels` is its linear row. Points at which even the commonest
    class has no more labels to give are left out."""
    commonest = int(np.bincount(task.train.y_M).max())
    curve = []
    for per_class in (point for point in points if point < commonest):
        sets = label_draws(task.train, per_class=per_class, draws=draws)
        correct_RQM = np.stack([_correct(of_seed, task, sets, per_class) for of_seed in features])
        curve.append(Point(all_labels.features, all_labels.role, per_class, Hits.of(correct_RQM, task.test.source_M)))
    return [*curve, Point(all_labels.features, all_labels.role, None, all_labels.hits)]


def _correct(features: Features, task: Task, sets: Sequence[np.ndarray], per_class: int) -> np.ndarray:
    """Which test rows are answered correctly from each set of labelled rows: [sets, M] bool."""
    features.check(task)
    standardised = Scale.of(features.train).astype(np.float32)
    test_MD = standardised(features.test)
    correct = []
    for draw, kept in enumerate(sets):
        x_MD, y_M = standardised(features.train[kept]), task.train.y_M[kept]
        if per_class == 1:
            penalty = SINGLE_LABEL_PENALTY
        else:
            unit_M = task.train.source_M if task.train.group_M is None else task.train.group_M
            fold_M = _folds(unit_M[kept], np.random.default_rng([0, draw]))
            penalty = _cross_validated(x_MD, y_M, fold_M, task, penalties=PENALTIES)
        ((_, classifier),) = path(x_MD, y_M, task, [penalty])
        correct.append(classifier.predict(test_MD) == task.test.y_M)
    return np.stack(correct)


def _folds(source_M: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A fold for each row; the rows of one source share theirs, since neighbouring frames nearly repeat each other."""
    sources, place_M = np.unique(source_M, return_inverse=True)
    return generator.permutation(len(sources))[place_M] % min(FOLDS, len(sources))


def _cross_validated(x_MD: np.ndarray, y_M: np.ndarray, fold_M: np.ndarray, task: Task, *, penalties: Sequence[float]) -> float:
    """The penalty under which most held-out rows are answered correctly, the strongest of equals (and of all, with a single
    source)."""
    right = dict.fromkeys(sorted(penalties, reverse=True), 0)
    for fold in range(fold_M.max() + 1) if fold_M.max() else ():
        held_M = fold_M == fold
        for penalty, classifier in path(x_MD[~held_M], y_M[~held_M], task, penalties):
            right[penalty] += int(np.count_nonzero(classifier.predict(x_MD[held_M]) == y_M[held_M]))
    return max(right, key=lambda penalty: right[penalty])
