"""Rows of a probe table: answers of seeds and folds, with accuracies, F1, paired differences and their intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.probes.result import Difference, EfficiencyPoint, EmbeddingMap, RowSummary
from torchcpc.probes.task import Answers, Labels, Task
from torchcpc.statistics.intervals import Confusions, Hits, difference_interval, share_interval


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One kind of features with one probe, over the seeds of the model or of the probe.

    Attributes:
        features: The name of the features.
        role: "cpc", "untrained", "handmade" or "supervised".
        probe: The name of the probe.
        dim: The number of columns of the features. None: not fixed.
        predicted_RM: The predicted class of each test row for each seed, [R, M].
        test: The labels of the test rows.
        penalties: The selected penalty of each seed, and with several folds of each fold.
        added_to: The features to which these CPC features are added, or "".
        training: How each network of a supervised row was trained: its updates, the update of its best validation, and
            the seconds without the validations.
    """

    features: str
    role: str
    probe: str
    dim: int | None
    predicted_RM: np.ndarray
    test: Labels
    penalties: tuple[float | None, ...]
    added_to: str = ""
    training: tuple[tuple[int, int, float], ...] = ()

    @classmethod
    def of(
        cls, answers: Sequence[Answers], features: str, role: str, probe: str, dim: int | None, test: Labels, added_to: str = ""
    ) -> ProbeRow:
        """Return the row with the answers of each seed."""
        penalties = tuple(penalty for each in answers for penalty in each.penalties)
        return cls(features, role, probe, dim, np.stack([each.predicted_M for each in answers]), test, penalties, added_to)

    @property
    def correct_RM(self) -> np.ndarray:
        """Which test rows each seed answers correctly, [R, M] bool."""
        return self.predicted_RM == self.test.y_M

    def answers(self, seed: int) -> Answers:
        """Return the answers of one seed. In a row of a single seed, the penalties are its own."""
        return Answers(self.predicted_RM[seed], self.test.y_M, self.penalties)

    @property
    def accuracies(self) -> tuple[float, ...]:
        """The test accuracy of each seed."""
        return tuple(self.correct_RM.mean(axis=1).tolist())

    @property
    def hits(self) -> Hits:
        """The correct answers by seed and independent unit."""
        return Hits.of(self.correct_RM, self.test.independent_M)

    @property
    def confusions(self) -> Confusions:
        """The confusion matrices by seed and independent unit."""
        return Confusions.of(self.predicted_RM, self.test.y_M, self.test.independent_M)

    def summary(self, names: Sequence[str]) -> RowSummary:
        """Return the row with intervals, and with the F1 of each test class.

        Args:
            names: The classes by number.
        """
        hits, confusions = self.hits, self.confusions
        f1 = zip([names[k] for k in np.unique(self.test.y_M)], confusions.per_class.tolist(), strict=True)
        facts = {"penalties": self.penalties, "macro_f1": share_interval(confusions), "f1": dict(f1), "added_to": self.added_to}
        return RowSummary(self.features, self.role, self.probe, self.dim, self.accuracies, share_interval(hits), **facts)


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a label-efficiency curve.

    Attributes:
        features: The name of the features.
        role: "cpc", "untrained", "handmade" or "supervised".
        labels_per_class: The training labels of each class. None: all.
        hits: The correct answers of every seed and draw.
    """

    features: str
    role: str
    labels_per_class: int | None
    hits: Hits

    def summary(self) -> EfficiencyPoint:
        """Return the point with its interval."""
        return EfficiencyPoint(self.features, self.role, self.labels_per_class, share_interval(self.hits))


def curve(all_labels: ProbeRow, task: Task, points: Sequence[int], correct: Callable[[int], np.ndarray]) -> list[Point]:
    """Return the label-efficiency curve that ends in `all_labels`.

    Args:
        all_labels: The row from all labels.
        task: The classification.
        points: The labels per class. Points at which no class has more labels are left out.
        correct: Maps the labels per class to the correct test rows, [seeds, M] or [seeds, draws, M].
    """
    below = [point for point in points if point < int(np.bincount(task.train.y_M).max())]
    hits = {**{point: Hits.of(correct(point), task.test.independent_M) for point in below}, None: all_labels.hits}
    return [Point(all_labels.features, all_labels.role, point, own) for point, own in hits.items()]


def joined_row(rows: Sequence[ProbeRow]) -> ProbeRow:
    """Join the rows of several splits, each of which tests on another group.

    The test rows of all splits together form one test part. The rows of a group share their speaker and their
    classifier. So the fold is the unit of the intervals, in place of the source.

    Args:
        rows: The same features and probe in each split.

    Raises:
        CPCError: If the rows are of different features or probes.
    """
    if len(rows) == 1:
        return rows[0]
    if len({(row.features, row.probe, row.dim, len(row.predicted_RM)) for row in rows}) != 1:
        raise CPCError("folds of different rows cannot be joined: give the same features, probe and seeds in each.")
    fold_M = np.repeat(np.arange(len(rows)), [len(row.test.y_M) for row in rows])
    return replace(
        rows[0],
        predicted_RM=np.concatenate([row.predicted_RM for row in rows], axis=1),
        test=Labels(np.concatenate([row.test.y_M for row in rows]), fold_M),
        penalties=tuple(penalty for row in rows for penalty in row.penalties),
        training=tuple(own for row in rows for own in row.training),
    )


def stacked(rows: Sequence[ProbeRow]) -> ProbeRow:
    """Join the rows of several seeds.

    Raises:
        CPCError: If the rows are of different features.
    """
    if len({(row.features, row.probe, row.dim) for row in rows}) != 1:
        found = ", ".join(f"{row.features!r} of {row.dim} columns" for row in rows) or "none"
        raise CPCError(f"a row is one kind of features from several seeds, but these are {found}; make a row for each kind.")
    facts = {name: tuple(own for row in rows for own in getattr(row, name)) for name in ("penalties", "training")}
    return replace(rows[0], predicted_RM=np.concatenate([row.predicted_RM for row in rows]), **facts)


def stacked_points(curves: Sequence[Sequence[Point]]) -> list[Point]:
    """Join the curves of several seeds."""
    hits = [[point.hits for point in points] for points in zip(*curves, strict=True)]
    return [
        replace(point, hits=Hits(np.concatenate([each.hits_RS for each in own]), own[0].rows_S))
        for point, own in zip(curves[0], hits, strict=True)
    ]


def joined_points(curves: Sequence[Sequence[Point]]) -> list[Point]:
    """Join the points that the curves of all folds have, in the order of the first curve."""
    if len(curves) == 1:
        return list(curves[0])
    by_number, joined = [{point.labels_per_class: point for point in curve} for curve in curves], []
    for number, point in by_number[0].items():
        if all(number in fold for fold in by_number):
            hits = [fold[number].hits for fold in by_number]
            hits_RS = np.stack([hit.hits_RS.sum(axis=-1) for hit in hits], axis=-1)
            joined.append(replace(point, hits=Hits(hits_RS, np.array([hit.rows_S.sum() for hit in hits]))))
    return joined


def differences(rows: Sequence[ProbeRow]) -> tuple[Difference, ...]:
    """Compare every row with the first CPC row of the same probe, paired on the test rows.

    If no CPC row has the same probe, the first CPC row is taken. A CPC row that is added to other features is also
    compared with these. Without a CPC row there are no differences.

    Args:
        rows: The rows of a table.
    """
    candidates = [row for row in rows if row.role == "cpc"]
    ours = [next((own for own in candidates if own.probe == row.probe), candidates[0]) for row in rows if candidates]
    pairs = [(own, row) for own, row in zip(ours, rows, strict=False) if own is not row]
    pairs += [(own, row) for own in candidates for row in rows if (own.added_to, own.probe) == (row.features, row.probe)]
    made = []
    for own, row in pairs:
        accuracy, f1 = difference_interval(own.hits, row.hits), difference_interval(own.confusions, row.confusions)
        made.append(Difference(own.features, row.features, row.probe, accuracy, f1))
    return tuple(made)


def embedding_map(
    x_MD: np.ndarray, y_M: np.ndarray, label: str, names: Sequence[str], keys: Sequence[str] = ()
) -> EmbeddingMap | None:
    """Place at most 1500 test rows in two dimensions by t-SNE, after standardisation.

    Args:
        x_MD: The features of the test rows, [M, D].
        y_M: Their classes, [M].
        label: The label that the classes belong to.
        names: The classes by number.
        keys: The name of each row.

    Returns:
        The map, or None if there are too few rows or columns.
    """
    if len(x_MD) < 3 or x_MD.shape[1] < 2:
        return None
    from sklearn.manifold import TSNE

    kept = np.sort(np.random.default_rng(0).permutation(len(x_MD))[:1500])  # more points would hide one another
    x_MD = (x_MD[kept] - x_MD[kept].mean(axis=0)) / (x_MD[kept].std(axis=0) + 1e-6)
    points = TSNE(perplexity=min(30.0, (len(kept) - 1) / 3), init="pca", random_state=0).fit_transform(x_MD)
    own_keys = tuple(keys[int(row)] for row in kept) if keys else ()
    return EmbeddingMap(label, points.round(3), tuple(names[int(y)] for y in y_M[kept]), own_keys)
