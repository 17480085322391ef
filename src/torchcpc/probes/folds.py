"""One table from several splits of the same sources, each of which tests on a group that the others learned from.

Every group is tested once, so that the answers of all splits stand side by side as if they were those of one test part. Rows of one
group share their speaker and the classifier that had to do without it: the group is the unit of the intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.probes.label_efficiency import Point
from torchcpc.probes.probe_result import Row
from torchcpc.probes.task import Labels, Task
from torchcpc.statistics.intervals import Hits


def joined_task(tasks: Sequence[Task]) -> Task:
    """The task whose test rows are those of all folds, in their order, the fold in place of the source; its other parts are the
    first fold's, for what a table says of their sizes."""
    if len(tasks) == 1:
        return tasks[0]
    first = tasks[0]
    beyond = 1 + max(int(labels.source_M.max()) for labels in (first.train, first.validation))
    test = Labels(np.concatenate([task.test.y_M for task in tasks]), beyond + _fold_M([len(task.test.y_M) for task in tasks]))
    return replace(first, test=test)


def joined_row(rows: Sequence[Row]) -> Row:
    """The same features under the same probe in every fold. Penalties: those of each fold, one after another."""
    if len(rows) == 1:
        return rows[0]
    if len({(row.features, row.probe, row.dim, len(row.correct_RM)) for row in rows}) != 1:
        raise CPCError("folds of different rows cannot be joined: give the same features, probe and seeds in each.")
    return replace(
        rows[0],
        correct_RM=np.concatenate([row.correct_RM for row in rows], axis=1),
        source_M=_fold_M([row.correct_RM.shape[1] for row in rows]),
        penalties=tuple(penalty for row in rows for penalty in row.penalties),
        predicted_RM=np.concatenate([row.predicted_RM for row in rows if row.predicted_RM is not None], axis=1),
    )


def joined_points(curves: Sequence[Sequence[Point]]) -> list[Point]:
    """The points that the curves of all folds have, in the order of the first."""
    if len(curves) == 1:
        return list(curves[0])
    by_number = [{point.labels_per_class: point for point in curve} for curve in curves]
    joined = []
    for number, point in by_number[0].items():
        if all(number in fold for fold in by_number):
            hits = [fold[number].hits for fold in by_number]
            each_RS = np.stack([hit.hits_RS.sum(axis=-1) for hit in hits], axis=-1)
            joined.append(replace(point, hits=Hits(each_RS, np.array([hit.rows_S.sum() for hit in hits]))))
    return joined


def _fold_M(sizes: Sequence[int]) -> np.ndarray:
    return np.repeat(np.arange(len(sizes)), sizes)
