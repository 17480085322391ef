"""The linear probe by nested cross-validation. Every row is tested once, and no penalty is selected with the rows
that it is tested on.

This is the paper's protocol for sentences (section 3.3 of arXiv:1807.03748, after Kiros et al. 2015). Outer folds
test. Inside the training part of each, a second cross-validation selects the L2 penalty. The classifier is then
fitted on the whole training part.

Means, deviations and vocabularies use no label, and they come from the training part of the outer fold. Grid, folds
and solver are the same for every row of a table.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from torchcpc.contracts import CPCError, check_choice
from torchcpc.probes.task import JUDGES, Answers, Labels
from torchcpc.statistics.batched_logistic import Block, Matrix, solve
from torchcpc.statistics.standardise import Scale

# Standardised columns need the strong penalties. Rows of unit length with a hundred thousand columns need the weak ones.
GRID = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
# With so strong a penalty, the block has practically no effect.
ABSENT = 1e6

FoldFeatures = Callable[[np.ndarray, np.ndarray], tuple[Block, Matrix]]
"""Maps the training and test rows of a fold to their features. Only training rows may influence the features."""


def grouped_folds(y_M: np.ndarray, group_M: np.ndarray, *, folds: int, seed: int = 0, names: Sequence[str] = ()) -> np.ndarray:
    """Divide rows into folds so that the rows of one group share a fold.

    Large groups are placed first, in random order. Each goes to the fold that has the fewest rows of the group's most
    frequent class. If several folds are equal, it goes to the smallest.

    Args:
        y_M: The class of each row, [M].
        group_M: The group of each row, [M].
        folds: The number of folds.
        seed: The seed of the order.
        names: The classes by number, for the message.

    Returns:
        The fold of each row, [M].

    Raises:
        CPCError: If a class is the most frequent one in fewer groups than there are folds.
    """
    if folds < 2:
        raise CPCError(f"folds = {folds}: a cross-validation has at least 2.")
    place_M, count_GK, groups_K = counted(y_M, group_M)
    class_G, size_G = count_GK.argmax(axis=1), count_GK.sum(axis=1)
    for k in np.unique(y_M).tolist():
        if groups_K[k] < folds:
            raise CPCError(
                f"{folds} folds: class {names[k] if names else k} has {groups_K[k]} of {len(size_G)} groups of sources that belong "
                "together, and every fold should have one. Take fewer folds, or leave that class out."
            )
    order = np.random.default_rng(seed).permutation(len(size_G))
    order = order[np.argsort(-size_G[order], kind="stable")]
    fold_G = np.zeros(len(size_G), np.int64)
    rows_KF, rows_F = np.zeros((count_GK.shape[1], folds), np.int64), np.zeros(folds, np.int64)
    for group in order:
        fold = fold_G[group] = int(np.lexsort((rows_F, rows_KF[class_G[group]]))[0])
        rows_KF[:, fold] += count_GK[group]
        rows_F[fold] += size_G[group]
    return fold_G[place_M]


def counted(y_M: np.ndarray, group_M: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the number of each row's group, the rows by group and class, and the groups by most frequent class."""
    _, place_M = np.unique(group_M, return_inverse=True)
    count_GK = np.zeros((place_M.max() + 1, y_M.max() + 1), np.int64)
    np.add.at(count_GK, (place_M, y_M), 1)
    return place_M, count_GK, np.bincount(count_GK.argmax(axis=1), minlength=count_GK.shape[1])


def together(*columns: Sequence[Hashable]) -> np.ndarray:
    """Number rows so that rows which agree in any column get the same number, directly or through other rows.

    Args:
        *columns: Columns of M values.

    Returns:
        The numbers, [M].
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    # The nodes of the graph are the rows and then the values. Each row has an edge to its values.
    rows, number = len(columns[0]), dict[tuple[int, Hashable], int]()
    cells = [(row, (place, value)) for place, column in enumerate(columns) for row, value in enumerate(column)]
    left, right = zip(*((row, rows + number.setdefault(cell, len(number))) for row, cell in cells), strict=True)
    graph = coo_matrix((np.ones(len(left), np.int8), (left, right)), shape=(rows + len(number),) * 2)
    return connected_components(graph, directed=False)[1][:rows].astype(np.int64)


@dataclass(frozen=True, slots=True)
class FoldedTask:
    """A classification of M rows by cross-validation.

    Attributes:
        label: The label that is predicted.
        names: The classes by number.
        y_M: The class of each row, [M].
        source_M: Rows with the same number belong together and share a fold, [M].
        fold_M: The fold that tests each row, [M]. A row with -1 is in every training part and is never tested.
        inner: The folds inside each training part. There are fewer if a class has fewer groups of rows.
        select_by: What selects a penalty, "accuracy" or "macro-F1".
        unit_M: The independent unit of each row for intervals, [M]. None: `source_M`.

    Raises:
        CPCError: If rows that belong together are in two folds.
    """

    label: str
    names: tuple[str, ...]
    y_M: np.ndarray
    source_M: np.ndarray
    fold_M: np.ndarray
    inner: int = 5
    select_by: str = "accuracy"
    unit_M: np.ndarray | None = None

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
        """The numbers of the folds."""
        return range(int(self.fold_M.max()) + 1)

    def parts(self, fold: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that train and the rows that `fold` tests."""
        return np.flatnonzero(self.fold_M != fold), np.flatnonzero(self.fold_M == fold)

    def inner_count(self, fold: int) -> int:
        """Return the number of inner folds in the training part of `fold`.

        Raises:
            CPCError: If a class has fewer than two groups there.
        """
        train, _ = self.parts(fold)
        _, count_GK, groups_K = counted(self.y_M[train], self.source_M[train])
        rarest = min(np.unique(self.y_M[train]).tolist(), key=lambda k: groups_K[k])
        if groups_K[rarest] < 2:
            raise CPCError(
                f"inner folds: class {self.names[rarest]!r} has {groups_K[rarest]} of {len(count_GK)} groups of sources that belong "
                f"together in the training part of fold {fold}, and 2 are needed to select a penalty. Add sources of it, or leave it out."
            )
        return min(self.inner, int(groups_K[rarest]))

    def inner_folds(self, fold: int) -> np.ndarray:
        """Return the inner fold of each row in the training part of `fold`."""
        train, _ = self.parts(fold)
        inner = self.inner_count(fold)
        return grouped_folds(self.y_M[train], self.source_M[train], folds=inner, seed=1 + fold, names=self.names)

    @property
    def test(self) -> Labels:
        """The rows that are tested, in their order."""
        tested_M = self.fold_M >= 0
        unit_M = None if self.unit_M is None else self.unit_M[tested_M]
        return Labels(self.y_M[tested_M], self.source_M[tested_M], unit_M=unit_M)

    @property
    def chance(self) -> float:
        """The accuracy of always answering the most frequent class of each training part."""
        parts = [(self.y_M[train], self.y_M[test]) for train, test in map(self.parts, self.folds)]
        return sum(np.count_nonzero(test == np.bincount(train).argmax()) for train, test in parts) / len(self.test.y_M)


def columns(x_MD: np.ndarray) -> FoldFeatures:
    """Return the features of a matrix, standardised by the training rows of each fold."""

    def parts(train: np.ndarray, test: np.ndarray) -> tuple[Block, Matrix]:
        standardised = Scale.of(x_MD[train]).astype(np.float32)
        return Block.dense(standardised(x_MD[train])), standardised(x_MD[test])

    return parts


def joint_penalties(first: Answers, second: Answers) -> list[np.ndarray]:
    """Return candidate penalties for two blocks of features together.

    The first block gets the penalty that it selected alone, and 10, 100 and 1,000 times that. One more candidate is
    so strong that only the second block is left. So the weight of the first block is selected in training.

    Args:
        first: The answers of the first block alone.
        second: The answers of the second block alone.

    Returns:
        The candidates of each fold, [2, 5].
    """
    candidates = []
    for alone, other in zip(first.penalties, second.penalties, strict=True):
        assert alone is not None  # a penalty is selected in every fold
        candidates.append(np.array([[ABSENT, 1000 * alone, 100 * alone, 10 * alone, alone], [other] * 5]))
    return candidates


def cross_validated(
    features: Sequence[FoldFeatures],
    task: FoldedTask,
    candidates: Sequence[np.ndarray] | None = None,
    *,
    tolerance: float = 1e-5,
) -> Answers:
    """Answer the tested rows by nested cross-validation.

    Args:
        features: One or several blocks of features. Each has its own penalty.
        task: The classification.
        candidates: The penalties of each fold, [blocks, choices], the strongest first. Of equally good ones the first
            is taken. None: `GRID`, for one block.
        tolerance: The tolerance of the solver, in nats.

    Returns:
        The answers in the order of the tested rows.
    """
    predicted_M, penalties = np.full(len(task.y_M), -1), []
    for fold in task.folds:
        train, test = task.parts(fold)
        blocks, rows = zip(*(own(train, test) for own in features), strict=True)
        y_M, inner_M = task.y_M[train], task.inner_folds(fold)
        choices_BQ = np.array([GRID]) if candidates is None else candidates[fold]
        inner, choices = int(inner_M.max()) + 1, choices_BQ.shape[1]
        # Each choice answers every inner fold with a regression on the other inner folds. The best choice is taken.
        used_MP = np.repeat(np.stack([inner_M != n for n in range(inner)], axis=1), choices, axis=1)
        settings = {"classes": len(task.names), "tolerance": tolerance}
        fitted = solve(blocks, y_M, used_MP=used_MP, penalty_BP=np.tile(choices_BQ, inner), **settings)
        held_MQ = fitted.predict().reshape(len(y_M), inner, choices)[np.arange(len(y_M)), inner_M]
        chosen_B1 = choices_BQ[:, [np.argmax([JUDGES[task.select_by](held_M, y_M) for held_M in held_MQ.T])]]
        fitted = solve(blocks, y_M, used_MP=np.ones((len(train), 1), bool), penalty_BP=chosen_B1, **settings)
        predicted_M[test] = fitted.predict(rows)[:, 0]
        penalties.append(float(chosen_B1[0, 0]))
    return Answers(predicted_M[task.fold_M >= 0], task.test.y_M, tuple(penalties))
