"""The linear probe by cross-validation: every row is tested once, and every penalty is chosen without the rows it is tested on.

The paper's protocol for sentences (section 3.3 of arXiv:1807.03748, after Kiros et al. 2015): logistic regression with an L2
penalty, outer folds that test, and inside the training part of each a second cross-validation that chooses the penalty. The chosen
one is then fitted on that whole training part. Means, deviations and vocabularies, which take no label, come from the training part
of the outer fold. Grid, folds and solver are the same for every row of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.probes.probe_result import Row
from torchcpc.probes.task import JUDGES, Labels, Standardiser
from torchcpc.statistics.batched_logistic import solve
from torchcpc.statistics.blocks import Block, Dense
from torchcpc.statistics.group_folds import grouped_folds

# From what standardised columns need to what rows of unit length and a hundred thousand columns need.
GRID = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
# A penalty so strong that its block is as good as absent.
ABSENT = 1e6


@dataclass(frozen=True, slots=True)
class Crossed:
    """A classification of M rows with the fold that tests each (fold_M; -1: in every training part, never tested). source_M: rows
    with one number belong together and share a fold; inner: folds of the cross-validation inside each training part, fewer where a class
    has fewer groups of rows there; the rest as in `evaluation.task.Task`."""

    label: str
    unit: str
    names: tuple[str, ...]
    split: str
    y_M: np.ndarray
    source_M: np.ndarray
    fold_M: np.ndarray
    inner: int = 5
    choose_by: str = "accuracy"

    def __post_init__(self) -> None:
        if self.choose_by not in JUDGES:
            raise CPCError(f"choose_by = {self.choose_by!r} is unknown. Choose one of {', '.join(JUDGES)}.")
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
                f"together in the training part of fold {fold}, and 2 are needed to choose a penalty. Add sources of it, or leave it out."
            )
        return min(self.inner, int(groups_K[rarest]))

    def inner_folds(self, fold: int) -> np.ndarray:
        """The inner fold of each row of the training part of `fold`."""
        train_M = self.fold_M != fold
        return grouped_folds(
            self.y_M[train_M], self.source_M[train_M], folds=self.inner_count(fold), seed=1 + fold, names=self.names
        )

    @property
    def classes(self) -> int:
        return len(self.names)

    @property
    def test(self) -> Labels:
        """The rows that are tested, in their order."""
        tested_M = self.fold_M >= 0
        return Labels(self.y_M[tested_M], self.source_M[tested_M])

    @property
    def sizes(self) -> dict[str, int]:
        """Rows of the smallest training part, and rows tested. The validation part is inside the training part."""
        return {"train": min(int(np.count_nonzero(self.fold_M != fold)) for fold in self.folds), "test": len(self.test.y_M)}

    @property
    def chance(self) -> float:
        """Accuracy of always answering the commonest class of each training part."""
        right = [
            np.count_nonzero(self.y_M[self.fold_M == fold] == np.bincount(self.y_M[self.fold_M != fold]).argmax())
            for fold in self.folds
        ]
        return sum(right) / len(self.test.y_M)


class Kind(Protocol):
    """Features of all rows of a task. dim: how many, None where that differs from fold to fold."""

    @property
    def dim(self) -> int | None: ...

    def parts(self, train: np.ndarray, test: np.ndarray) -> tuple[list[Block], list[Any]]:
        """Blocks of the training rows, and the test rows as those blocks take them; only training rows may shape either."""
        ...


@dataclass(frozen=True, slots=True)
class Columns:
    """A matrix [M, D], standardised by the training rows."""

    x_MD: np.ndarray

    @property
    def dim(self) -> int:
        return self.x_MD.shape[1]

    def parts(self, train: np.ndarray, test: np.ndarray) -> tuple[list[Block], list[Any]]:
        standardised = Standardiser.of(self.x_MD[train])
        return [Dense(standardised(self.x_MD[train]))], [standardised(self.x_MD[test])]


@dataclass(frozen=True, slots=True)
class Beside:
    """Several kinds of features side by side, each with a penalty of its own."""

    kinds: Sequence[Kind]

    @property
    def dim(self) -> int | None:
        dims = [kind.dim for kind in self.kinds]
        return None if None in dims else sum(dim for dim in dims if dim is not None)

    def parts(self, train: np.ndarray, test: np.ndarray) -> tuple[list[Block], list[Any]]:
        found = [kind.parts(train, test) for kind in self.kinds]
        return [block for blocks, _ in found for block in blocks], [each for _, rows in found for each in rows]


@dataclass(frozen=True, slots=True)
class Answers:
    """The class that each tested row was taken for, in their order, and the penalty of each block in each fold."""

    predicted_M: np.ndarray
    penalties: list[tuple[float, ...]]


def cross_validated(kind: Kind, task: Crossed, candidates: Callable[[int], np.ndarray], *, tolerance: float = 1e-5) -> Answers:
    """Answers of one kind of features. candidates(fold): the penalties to choose from, [blocks, choices], strongest first: of equally
    good ones the first is taken."""
    predicted_M = np.full(len(task.y_M), -1)
    penalties = []
    for fold in task.folds:
        train, test = np.flatnonzero(task.fold_M != fold), np.flatnonzero(task.fold_M == fold)
        blocks, rows = kind.parts(train, test)
        y_M, choices_BQ = task.y_M[train], candidates(fold)
        inner_M = task.inner_folds(fold)
        chosen = _chosen(blocks, y_M, inner_M, choices_BQ, task, tolerance)
        fitted = solve(
            blocks,
            y_M,
            classes=task.classes,
            used_MP=np.ones((len(train), 1), bool),
            penalty_BP=choices_BQ[:, [chosen]],
            tolerance=tolerance,
        )
        predicted_M[test] = fitted.predict(rows)[:, 0]
        penalties.append(tuple(choices_BQ[:, chosen].tolist()))
    return Answers(predicted_M[task.fold_M >= 0], penalties)


def _chosen(
    blocks: Sequence[Block], y_M: np.ndarray, inner_M: np.ndarray, choices_BQ: np.ndarray, task: Crossed, tolerance: float
) -> int:
    """Which choice answers the inner folds best, each by regressions that saw the other inner folds."""
    choices = choices_BQ.shape[1]
    if choices == 1:
        return 0
    inner = int(inner_M.max()) + 1
    used_MP = np.repeat(np.stack([inner_M != fold for fold in range(inner)], axis=1), choices, axis=1)
    penalty_BP = np.tile(choices_BQ, inner)
    fitted = solve(blocks, y_M, classes=task.classes, used_MP=used_MP, penalty_BP=penalty_BP, tolerance=tolerance)
    held_MQ = fitted.known().reshape(len(y_M), inner, choices)[np.arange(len(y_M)), inner_M]
    return int(np.argmax([JUDGES[task.choose_by](held_M, y_M) for held_M in held_MQ.T]))


def grid(fold: int) -> np.ndarray:
    """The candidates of features of one block."""
    return np.array([GRID])


def beside(first: Answers, second: Answers) -> Callable[[int], np.ndarray]:
    """The candidates of two blocks side by side: each with the penalty that it chose alone in this fold, the first also with 10, 100
    and 1,000 times that, and with so strong a one that only the second is left. So the weight of the first is chosen inside the
    training part."""

    def candidates(fold: int) -> np.ndarray:
        (alone,), (other,) = first.penalties[fold], second.penalties[fold]
        return np.array([[ABSENT, 1000 * alone, 100 * alone, 10 * alone, alone], [other] * 5])

    return candidates


def row(name: str, answers: Sequence[Answers], task: Crossed, *, dim: int | None) -> Row:
    """The row of a table from the answers of each seed; penalties are those of the first block, fold by fold and seed by seed."""
    predicted_RM = np.stack([each.predicted_M for each in answers])
    penalties = tuple(penalty[0] for each in answers for penalty in each.penalties)
    return Row(name, "linear", dim, predicted_RM == task.test.y_M, task.test.source_M, penalties, predicted_RM)
