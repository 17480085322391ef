"""Rows of answers as rows of a table: accuracies, F1 and paired differences with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from torchcpc.probes.probe_result import Point, ProbeRow
from torchcpc.probes.result import Difference, EfficiencyPoint, RowSummary
from torchcpc.statistics.intervals import accuracy_interval, difference_interval, interval


def summary(row: ProbeRow, names: Sequence[str]) -> RowSummary:
    """One row with its intervals over seeds and test sources; F1 of each class (`names` by number) that the test has."""
    confusions = row.confusions
    present = [names[int(k)] for k in np.unique(row.test.y_M)]
    return RowSummary(
        features=row.features,
        role=row.role,
        probe=row.probe,
        dim=row.dim,
        accuracies=row.accuracies,
        accuracy=accuracy_interval(row.hits),
        penalties=row.penalties,
        macro_f1=interval(confusions),
        f1=dict(zip(present, confusions.per_class.tolist(), strict=True)),
        added_to=row.added_to,
    )


def point_summary(point: Point) -> EfficiencyPoint:
    return EfficiencyPoint(point.features, point.role, point.labels_per_class, accuracy_interval(point.hits))


def differences(rows: Sequence[ProbeRow]) -> tuple[Difference, ...]:
    """Every row against the first CPC row of the same probe, or of any probe where none has the same: that row less the other, paired.

    A CPC row that is added to other features is compared with these, too. Rows without CPC among them have no differences.
    """
    candidates = [row for row in rows if row.role == "cpc"]
    pairs = []
    for row in rows if candidates else ():
        ours = next((candidate for candidate in candidates if candidate.probe == row.probe), candidates[0])
        if ours is not row:
            pairs.append((ours, row))
    for ours in candidates:
        pairs += [(ours, row) for row in rows if ours.added_to and (row.features, row.probe) == (ours.added_to, ours.probe)]
    return tuple(
        Difference(
            ours.features,
            row.features,
            row.probe,
            difference_interval(ours.hits, row.hits),
            difference_interval(ours.confusions, row.confusions),
        )
        for ours, row in pairs
    )
