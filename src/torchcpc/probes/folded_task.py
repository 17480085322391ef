"""A classification of whole sources by cross-validation: which fold tests each, and which folds select the penalty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from torchcpc.baselines.words import normalised
from torchcpc.contracts import CPCError, Sources, Written, provides
from torchcpc.probes.question import ProbeSpec
from torchcpc.probes.rows import check_classes
from torchcpc.probes.task import JUDGES, Judge, Labels, check_choice
from torchcpc.statistics.group_folds import grouped_folds, together


@dataclass(frozen=True, slots=True)
class FoldedTask:
    """A classification of M rows. Raises CPCError where what belongs together is in two folds.

    fold_M: the fold that tests each row, -1: in every training part, never tested; source_M: rows with one number belong together and
    share a fold; inner: folds of the cross-validation inside each training part, fewer where a class has fewer groups of rows there;
    the rest as in `task.Task`.
    """

    label: str
    names: tuple[str, ...]
    y_M: np.ndarray
    source_M: np.ndarray
    fold_M: np.ndarray
    inner: int = 5
    select_by: str = "accuracy"

    def __post_init__(self) -> None:
        check_choice("select_by", self.select_by, JUDGES)
        for fold in self.folds:
            shared = np.intersect1d(self.source_M[self.fold_M == fold], self.source_M[self.fold_M != fold])
            if len(shared):
                raise CPCError(
                    f"task {self.label!r}: source {shared[0]} ({len(shared)} such) is inside and outside fold {fold}; what belongs "
                    "together must share a fold: make the folds with grouped_folds."
                )

    @property
    def folds(self) -> range:
        return range(int(self.fold_M.max()) + 1)

    def parts(self, fold: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows that train and those that `fold` tests."""
        return np.flatnonzero(self.fold_M != fold), np.flatnonzero(self.fold_M == fold)

    def inner_count(self, fold: int) -> int:
        """How many inner folds the training part of `fold` has. Raises CPCError where a class of it cannot be in two."""
        train_M = self.fold_M != fold
        y_m = self.y_M[train_M]
        _, place_m = np.unique(self.source_M[train_M], return_inverse=True)
        count_GK = np.zeros((place_m.max() + 1, self.classes), np.int64)
        np.add.at(count_GK, (place_m, y_m), 1)
        groups_K = np.bincount(count_GK.argmax(axis=1), minlength=self.classes)  # counted as grouped_folds does
        rarest = min(np.unique(y_m).tolist(), key=lambda k: groups_K[k])
        if groups_K[rarest] < 2:
            raise CPCError(
                f"inner folds: class {self.names[rarest]!r} has {groups_K[rarest]} of {len(count_GK)} groups of sources that belong "
                f"together in the training part of fold {fold}, and 2 are needed to select a penalty. Add sources of it, or leave it out."
            )
        return min(self.inner, int(groups_K[rarest]))

    def inner_folds(self, fold: int) -> np.ndarray:
        """The inner fold of each row of the training part of `fold`."""
        train, _ = self.parts(fold)
        inner = self.inner_count(fold)
        return grouped_folds(self.y_M[train], self.source_M[train], folds=inner, seed=1 + fold, names=self.names)

    @property
    def classes(self) -> int:
        return len(self.names)

    @property
    def judge(self) -> Judge:
        """How the answers to the inner folds are judged."""
        return JUDGES[self.select_by]

    @property
    def test(self) -> Labels:
        """The rows that are tested, in their order."""
        tested_M = self.fold_M >= 0
        return Labels(self.y_M[tested_M], self.source_M[tested_M])

    @property
    def smallest_training_part(self) -> int:
        """Its rows; the validation part is inside the training part."""
        return min(len(self.parts(fold)[0]) for fold in self.folds)

    @property
    def chance(self) -> float:
        """Accuracy of always answering the commonest class of each training part."""
        right = [
            np.count_nonzero(self.y_M[test] == np.bincount(self.y_M[train]).argmax())
            for train, test in map(self.parts, self.folds)
        ]
        return sum(right) / len(self.test.y_M)


def folded_task(sources: Sources, spec: ProbeSpec) -> tuple[FoldedTask, list[int], int]:
    """The task; which sources are its rows, those that have a label; and how many sources are repeated.

    Sources that are the same (texts but for case and blanks) or have the same value of the column `fold_by` share a fold. Where the data
    come with a test part (column split, Test or test) that is the only fold, and training sources that it repeats are left out: these
    are the repeated ones then. Raises CPCError for classes that cannot be told apart so.
    """
    label, values = spec.label, sources.labels(spec.label)
    part = [value.strip().lower() for value in sources.labels("split")]
    names = tuple(sorted(set(values) - {""}))
    check_classes(label, names, len(sources))
    given, repeated = "test" in part, 0
    rows = [i for i, value in enumerate(values) if value and (part[i] or not given)]
    content = {i: _content(sources, i) for i in rows}
    if given:
        tested = {content[i] for i in rows if part[i] == "test"}
        kept = [i for i in rows if part[i] == "test" or content[i] not in tested]
        rows, repeated = kept, len(rows) - len(kept)
    columns = [[content[i] for i in rows]]
    if spec.fold_by:
        column = sources.labels(spec.fold_by)
        if missing := [i for i in rows if not column[i]]:
            raise CPCError(
                f"fold by {spec.fold_by!r}: {len(missing)} of {len(rows)} labelled sources have no value. Check the column name."
            )
        columns.append([column[i] for i in rows])
    group_M = together(*columns)
    y_M = np.array([names.index(values[i]) for i in rows])
    if given:
        fold_M = np.array([0 if part[i] == "test" else -1 for i in rows])
        _check_given(label, names, y_M[fold_M < 0], y_M[fold_M == 0])
    else:
        assert spec.folds  # a cross-validation was asked for
        fold_M = grouped_folds(y_M, group_M, folds=spec.folds, names=names)
        repeated = len(y_M) - len(np.unique(group_M))
    return FoldedTask(label, names, y_M, group_M, fold_M, select_by=spec.select_by), rows, repeated


def _check_given(label: str, names: Sequence[str], train_M: np.ndarray, test_M: np.ndarray) -> None:
    """Raises CPCError unless the training part that the data come with has two classes, and each that is tested."""
    trained = np.unique(train_M)
    if len(trained) < 2:
        raise CPCError(
            f"label {label!r}: the training part (column split) has {len(trained)} classes among {len(train_M)} sources; a probe needs at "
            "least 2. Move sources from test to train, or leave the column out."
        )
    if missing := [names[k] for k in np.setdiff1d(test_M, trained)]:
        raise CPCError(
            f"label {label!r}: class {missing[0]!r} ({len(missing)} such) is in the test part (column split) and not in the training part. "
            "Move some of its sources to train, or leave that class out."
        )


def _content(sources: Sources, index: int) -> str:
    """A text that two sources share exactly when they are the same to a probe."""
    if provides(sources, Written):
        return normalised(" ".join(sources.text(index)))
    return blake2b(sources.read(index, 0, sources.length(index)).tobytes(), digest_size=16).hexdigest()
