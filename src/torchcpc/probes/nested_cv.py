"""The linear probe by cross-validation: every row is tested once, and every penalty is selected without the rows it is tested on.

The paper's protocol for sentences (section 3.3 of arXiv:1807.03748, after Kiros et al. 2015): logistic regression with an L2
penalty, outer folds that test, and inside the training part of each a second cross-validation that selects the penalty. The selected
one is then fitted on that whole training part. Means, deviations and vocabularies, which take no label, come from the training part
of the outer fold. Grid, folds and solver are the same for every row of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from torchcpc.probes.folded_task import FoldedTask
from torchcpc.probes.probe_result import Answers
from torchcpc.statistics.batched_logistic import solve
from torchcpc.statistics.blocks import Block, Dense
from torchcpc.statistics.standardise import Scale

# From what standardised columns need to what rows of unit length and a hundred thousand columns need.
GRID = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
# A penalty so strong that its block is as good as absent.
ABSENT = 1e6


class FoldFeatures(Protocol):
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
        standardised = Scale.of(self.x_MD[train]).astype(np.float32)
        return [Dense(standardised(self.x_MD[train]))], [standardised(self.x_MD[test])]


@dataclass(frozen=True, slots=True)
class Beside:
    """Several kinds of features side by side, each with a penalty of its own."""

    features: Sequence[FoldFeatures]
    dim: int | None = None

    def parts(self, train: np.ndarray, test: np.ndarray) -> tuple[list[Block], list[Any]]:
        found = [own.parts(train, test) for own in self.features]
        return [block for blocks, _ in found for block in blocks], [own for _, rows in found for own in rows]


Candidates = Callable[[int], np.ndarray]
"""fold -> the penalties to select from, [blocks, choices], strongest first: of equally good ones the first is taken."""


def cross_validated(features: FoldFeatures, task: FoldedTask, candidates: Candidates, *, tolerance: float = 1e-5) -> Answers:
    """Answers to the tested rows, in their order, from one kind of features."""
    predicted_M = np.full(len(task.y_M), -1)
    penalties = []
    for fold in task.folds:
        train, test = task.parts(fold)
        blocks, rows = features.parts(train, test)
        y_M, choices_BQ = task.y_M[train], candidates(fold)
        selected = _selected(blocks, y_M, task.inner_folds(fold), choices_BQ, task, tolerance)
        fitted = solve(
            blocks,
            y_M,
            classes=task.classes,
            used_MP=np.ones((len(train), 1), bool),
            penalty_BP=choices_BQ[:, [selected]],
            tolerance=tolerance,
        )
        predicted_M[test] = fitted.predict(rows)[:, 0]
        penalties.append(float(choices_BQ[0, selected]))
    return Answers(predicted_M[task.fold_M >= 0], task.test.y_M, tuple(penalties))


def _selected(
    blocks: Sequence[Block], y_M: np.ndarray, inner_M: np.ndarray, choices_BQ: np.ndarray, task: FoldedTask, tolerance: float
) -> int:
    """Which choice answers the inner folds best, each by regressions that saw the other inner folds."""
    choices = choices_BQ.shape[1]
    if choices == 1:
        return 0
    inner = int(inner_M.max()) + 1
    used_MP = np.repeat(np.stack([inner_M != fold for fold in range(inner)], axis=1), choices, axis=1)
    penalty_BP = np.tile(choices_BQ, inner)
    fitted = solve(blocks, y_M, classes=task.classes, used_MP=used_MP, penalty_BP=penalty_BP, tolerance=tolerance)
    held_MQ = fitted.predict_training_rows().reshape(len(y_M), inner, choices)[np.arange(len(y_M)), inner_M]
    return int(np.argmax([task.judge(held_M, y_M) for held_M in held_MQ.T]))


def grid(fold: int) -> np.ndarray:
    """The candidates of features of one block."""
    return np.array([GRID])


def beside(first: Answers, second: Answers) -> Candidates:
    """The candidates of two blocks side by side: each with the penalty that it selected alone in this fold, the first also with 10, 100
    and 1,000 times that, and with so strong a one that only the second is left. So the weight of the first is selected inside the
    training part."""

    def candidates(fold: int) -> np.ndarray:
        alone, other = first.penalties[fold], second.penalties[fold]
        assert alone is not None  # a penalty is selected in every fold
        return np.array([[ABSENT, 1000 * alone, 100 * alone, 10 * alone, alone], [other] * 5])

    return candidates
