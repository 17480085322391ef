"""The linear probe: how much of a label a linear model reads off frozen features (section 3 of arXiv:1807.03748).

Columns are standardised with the training part's statistics; multinomial logistic regression is fitted on the training part for
each penalty of one grid, the same for every row of a table; the penalty that the validation part judges best is kept (the
stronger of equals); its classifier answers the test part, once. It is not fitted again on training and validation together:
then every row, a supervised network with early stopping too, has learned from the same labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.evaluation.logistic import solve_path
from torchcpc.evaluation.score import Score
from torchcpc.evaluation.task import Features, Standardiser, Task

PENALTIES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)


def linear_probe(
    features: Features, task: Task, *, penalties: Sequence[float] = PENALTIES, most_rows: int = 500_000, seed: int = 0
) -> Score:
    """Answers on the test part and the penalty that the validation part chose.

    most_rows: a longer training part is thinned to this many rows, drawn by `seed` and the same for all features of the task.
    """
    if most_rows < 1:
        raise CPCError(f"most_rows = {most_rows}: the probe needs at least one training row.")
    features.check(task)
    kept_M = thinned(len(task.train.y_M), most_rows, seed)
    standardised = Standardiser.of(features.train)
    validation_MD = standardised(features.validation)
    # A hundred thousand frames answer alike to a tenth of a percent whether a step's gain is followed to 1e-5 nats or to 1e-7.
    y_M = task.train.y_M[kept_M]
    path = solve_path(
        standardised(features.train[kept_M]),
        y_M,
        classes=task.classes,
        penalties=penalties,
        tolerance=1e-5,
        weight_M=task.weight_K(y_M)[y_M],
    )
    best_value, chosen = -1.0, None
    for penalty, classifier in path:
        value = task.judge(classifier.predict(validation_MD), task.validation.y_M)
        if value > best_value:
            best_value, chosen = value, (penalty, classifier)
    assert chosen is not None  # the path is never empty
    penalty, classifier = chosen
    return Score.of(classifier.predict(standardised(features.test)), task.test.y_M, penalty)


def thinned(rows: int, most: int, seed: int) -> np.ndarray | slice:
    """Which of `rows` rows to keep when there are more than `most`: drawn by `seed`, in their order."""
    if rows <= most:
        return slice(None)
    return np.sort(np.random.default_rng(seed).choice(rows, size=most, replace=False))
