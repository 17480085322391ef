"""One table from several splits of the same sources, each of which tests on a group that the others learned from.

Every group is tested once, so that the answers of all splits stand side by side as if they were those of one test part. Rows of one
group share their speaker and the classifier that had to do without it: the group is the unit of the intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.probes.probe_result import Point, ProbeRow
from torchcpc.probes.task import Labels
from torchcpc.statistics.intervals import Hits


def joined_row(rows: Sequence[ProbeRow]) -> ProbeRow:
    """The same features under the same probe in every fold. Its test rows are those of all folds, in their order, with the fold in place
    of the source; its penalties those of each fold, one after another."""
    if len(rows) == 1:
        return rows[0]
    if len({(row.features, row.probe, row.dim, len(row.predicted_RM)) for row in rows}) != 1:
        raise CPCError("folds of different rows cannot be joined: give the same features, probe and seeds in each.")
    sizes = [len(row.test.y_M) for row in rows]
    return replace(
        rows[0],
        predicted_RM=np.concatenate([row.predicted_RM for row in rows], axis=1),
        test=Labels(np.concatenate([row.test.y_M for row in rows]), np.repeat(np.arange(len(sizes)), sizes)),
        penalties=tuple(penalty for row in rows for penalty in row.penalties),
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
            hits_RS = np.stack([hit.hits_RS.sum(axis=-1) for hit in hits], axis=-1)
            joined.append(replace(point, hits=Hits(hits_RS, np.array([hit.rows_S.sum() for hit in hits]))))
    return joined
