"""The linear probe by cross-validation: every row is tested once, and every penalty is selected without the rows it is tested on.

The paper's protocol for sentences (section 3.3 of arXiv:1807.03748, after Kiros et al. 2015): outer folds test, and inside the training
part of each a second cross-validation selects the L2 penalty, with which that whole part is fitted. Means, deviations and vocabularies,
which take no label, come from the training part of the outer fold. Grid, folds and solver are the same for every row of a table.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from torchcpc.contracts import CPCError, check_choice
from torchcpc.probes.task import JUDGES, Answers, Labels
from torchcpc.statistics.batched_logistic import Block, Matrix, solve
from torchcpc.statistics.standardise import Scale

# From what standardised columns need to what rows of unit length and a hundred thousand columns need.
GRID = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
# A penalty so strong that its block is as good as absent.
ABSENT = 1e6

FoldFeatures = Callable[[np.ndarray, np.ndarray], tuple[Block, Matrix]]
"""Training and test rows of a fold -> the training rows as a block, and the test rows; only training rows may shape either."""


def grouped_folds(y_M: np.ndarray, group_M: np.ndarray, *, folds: int, seed: int = 0, names: Sequence[str] = ()) -> np.ndarray:
    """The fold of each row, 0 .. folds-1: [M]. Rows of one group share theirs. Groups come in random order, large ones first, and each
    goes where its commonest class has the fewest rows so far (of equals where there are the fewest of all). Raises CPCError where some
    class (`names`, for the message), by the commonest of each group, has fewer groups than there are folds."""
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
    """The number of each row's group, the rows by group and class, and how many groups have each class as their commonest."""
    _, place_M = np.unique(group_M, return_inverse=True)
    count_GK = np.zeros((place_M.max() + 1, y_M.max() + 1), np.int64)
    np.add.at(count_GK, (place_M, y_M), 1)
    return place_M, count_GK, np.bincount(count_GK.argmax(axis=1), minlength=count_GK.shape[1])


def together(*columns: Sequence[Hashable]) -> np.ndarray:
    """A number for each row, the same for rows that agree in any of the columns, directly or through others: [M]."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    # A graph of rows and of values, numbered after them, with an edge from each row to its values.
    rows, number = len(columns[0]), dict[tuple[int, Hashable], int]()
    cells = [(row, (place, value)) for place, column in enumerate(columns) for row, value in enumerate(column)]
    left, right = zip(*((row, rows + number.setdefault(cell, len(number))) for row, cell in cells), strict=True)
    graph = coo_matrix((np.ones(len(left), np.int8), (left, right)), shape=(rows + len(number),) * 2)
    return connected_components(graph, directed=False)[1][:rows].astype(np.int64)


@dataclass(frozen=True, slots=True)
class FoldedTask:
    """A classification of M rows. Raises CPCError where what belongs together is in two folds."""

    label: str
    names: tuple[str, ...]
    y_M: np.ndarray
    source_M: np.ndarray  # rows with one number belong together and share a fold
    fold_M: np.ndarray  # the fold that tests each row, -1: in every training part, never tested
    inner: int = 5  # folds inside each training part, fewer where a class has fewer groups of rows there
    select_by: str = "accuracy"
    unit_M: np.ndarray | None = None  # what intervals take for independent draws, None: what belongs together

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
        """The inner fold of each row of the training part of `fold`."""
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
        """Accuracy of always answering the commonest class of each training part."""
        parts = [(self.y_M[train], self.y_M[test]) for train, test in map(self.parts, self.folds)]
        return sum(np.count_nonzero(test == np.bincount(train).argmax()) for train, test in parts) / len(self.test.y_M)


def columns(x_MD: np.ndarray) -> FoldFeatures:
    """A matrix, standardised by the training rows."""

    def parts(train: np.ndarray, test: np.ndarray) -> tuple[Block, Matrix]:
        standardised = Scale.of(x_MD[train]).astype(np.float32)
        return Block.dense(standardised(x_MD[train])), standardised(x_MD[test])

    return parts


def beside(first: Answers, second: Answers) -> list[np.ndarray]:
    """The candidates of two blocks side by side in each fold: the penalty that each selected alone, the first also with 10, 100 and
    1,000 times that, and with so strong a one that only the second is left. So the weight of the first is selected in training."""
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
    """Answers to the tested rows, in their order, from features side by side, each a block with a penalty of its own. candidates: the
    penalties of each fold, [blocks, choices], strongest first: of equally good ones the first is taken (None: GRID for one block)."""
    predicted_M, penalties = np.full(len(task.y_M), -1), []
    for fold in task.folds:
        train, test = task.parts(fold)
        blocks, rows = zip(*(own(train, test) for own in features), strict=True)
        y_M, inner_M = task.y_M[train], task.inner_folds(fold)
        choices_BQ = np.array([GRID]) if candidates is None else candidates[fold]
        inner, choices = int(inner_M.max()) + 1, choices_BQ.shape[1]
        # Which choice answers the inner folds best, each by regressions that saw the other inner folds.
        used_MP = np.repeat(np.stack([inner_M != n for n in range(inner)], axis=1), choices, axis=1)
        settings = {"classes": len(task.names), "tolerance": tolerance}
        fitted = solve(blocks, y_M, used_MP=used_MP, penalty_BP=np.tile(choices_BQ, inner), **settings)
        held_MQ = fitted.predict().reshape(len(y_M), inner, choices)[np.arange(len(y_M)), inner_M]
        chosen_B1 = choices_BQ[:, [np.argmax([JUDGES[task.select_by](held_M, y_M) for held_M in held_MQ.T])]]
        fitted = solve(blocks, y_M, used_MP=np.ones((len(train), 1), bool), penalty_BP=chosen_B1, **settings)
        predicted_M[test] = fitted.predict(rows)[:, 0]
        penalties.append(float(chosen_B1[0, 0]))
    return Answers(predicted_M[task.fold_M >= 0], task.test.y_M, tuple(penalties))
