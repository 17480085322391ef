"""Logistic regressions that share their features: one per part of the rows and penalty of a cross-validation.

Each minimises the mean of -log softmax(x W + b)[y] over its rows, in nats. Each block of features adds penalty / 2 *
|W|^2, and b has no penalty. Blocks are dense or sparse. Their penalties set their weight against one another. At the
optimum the weights of all classes sum to zero, so K classes need K - 1 columns. W = V Q' with orthonormal Q
orthogonal to 1, and |W| = |V|.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from torchcpc.contracts import CPCError
from torchcpc.statistics.batched_lbfgs import minimise

Matrix = np.ndarray | csr_matrix


@dataclass(frozen=True, slots=True)
class Block:
    """A block of features and its transpose, rotated.

    The rotation changes no answer, because it keeps |w| and so the penalty. To predict other rows of the same
    features, multiply them by turn_DN @ w.

    Attributes:
        x_MN: The rotated features.
        x_NM: Their transpose.
        turn_DN: The rotation.
        second_moment_N: The mean square of each coordinate.
    """

    x_MN: Matrix
    x_NM: Matrix
    turn_DN: Matrix
    second_moment_N: np.ndarray

    @classmethod
    def dense(cls, x_MD: np.ndarray) -> Block:
        """Return a block of a dense matrix, rotated to the eigenvectors of its second moment. They decorrelate its columns."""
        moment_N, axes_DN = np.linalg.eigh((x_MD.T @ x_MD).astype(np.float64) / len(x_MD))
        axes_DN = axes_DN.astype(x_MD.dtype)
        x_MN = x_MD @ axes_DN
        return cls(x_MN, x_MN.T, axes_DN, moment_N.clip(min=0))

    @classmethod
    def sparse(cls, x_MD: csr_matrix) -> Block:
        """Return a block of a sparse matrix. No dense matrix of its size is made.

        Many columns, such as pairs of words, occur in a single row. All such columns of a row become one column,
        along their common direction. Columns that occur in no row are left out.
        """
        turn_DN = _one_per_row(x_MD)
        x_MN = csr_matrix(x_MD @ turn_DN)
        moment_N = np.asarray(x_MN.multiply(x_MN).mean(axis=0), dtype=np.float64).ravel()
        # The transpose is stored by rows, so that a product with it reads memory in order.
        return cls(x_MN, csr_matrix(x_MN.T), turn_DN, moment_N)


def _one_per_row(x_MD: csr_matrix) -> csr_matrix:
    """Return orthonormal columns [D, N]: the columns of x that several rows have, then one direction for the columns of
    each single row.
    """
    by_column = x_MD.tocsc()
    by_column.eliminate_zeros()
    rows_D = np.diff(by_column.indptr)
    shared, own = np.flatnonzero(rows_D > 1), np.flatnonzero(rows_D == 1)
    place = by_column.indptr[own]
    value, (_, row) = by_column.data[place], np.unique(by_column.indices[place], return_inverse=True)
    length = np.sqrt(np.bincount(row, value.astype(np.float64) ** 2))
    data = np.concatenate([np.ones(len(shared)), value / length[row]]).astype(x_MD.dtype)
    columns = np.concatenate([np.arange(len(shared)), len(shared) + row])
    shape = (len(rows_D), len(shared) + len(length))
    return csr_matrix((data, (np.concatenate([shared, own]), columns)), shape=shape)


@dataclass(frozen=True, slots=True)
class Fitted:
    """The solutions of P problems.

    Attributes:
        blocks: The blocks of features.
        weights: The weights of each block in its rotated coordinates.
        bias_CP: The biases, in contrasts of classes.
        contrast_KC: The contrasts.
    """

    blocks: Sequence[Block]
    weights: list[np.ndarray]
    bias_CP: np.ndarray
    contrast_KC: np.ndarray

    def predict(self, rows: Sequence[Matrix] | None = None) -> np.ndarray:
        """Return the class that each problem gives each row, [M, P].

        Args:
            rows: The rows, block by block. Default: the rows that the blocks were made of.
        """
        own = zip(self.blocks, self.weights, [None] * len(self.blocks) if rows is None else rows, strict=True)
        products = [np.stack([b.x_MN @ w if x is None else x @ (b.turn_DN @ w) for w in w_CNP]) for b, w_CNP, x in own]
        return np.tensordot(self.contrast_KC, sum(products) + self.bias_CP[:, None], 1).argmax(axis=0)


def solve(
    blocks: Sequence[Block],
    y_M: np.ndarray,
    *,
    classes: int,
    used_MP: np.ndarray,
    penalty_BP: np.ndarray,
    tolerance: float = 1e-5,
    dtype: type = np.float32,
) -> Fitted:
    """Fit one regression per column of `used_MP`.

    Args:
        blocks: The features.
        y_M: The class of each row.
        classes: The number of classes.
        used_MP: Which rows each regression uses, bool.
        penalty_BP: The penalty of each block in each regression.
        tolerance: The tolerance of `minimise`.
        dtype: The precision of weights.

    Returns:
        The solutions.

    Raises:
        CPCError: If a penalty is not positive, or a regression has no rows.
    """
    if not penalty_BP.size or penalty_BP.min() <= 0:
        raise CPCError("penalties must be above 0: without a penalty separable classes have no optimum.")
    if not used_MP.any(axis=0).all():
        raise CPCError("a logistic regression without a training row: make the folds smaller.")
    contrast_KC = contrasts(classes)
    moments = [block.second_moment_N for block in blocks]
    scale_CNP = _scale(moments, y_M, used_MP, penalty_BP, contrast_KC).astype(dtype)
    weight_MP = (used_MP / used_MP.sum(axis=0)).astype(dtype)
    ends = np.cumsum([len(m) for m in moments])
    q_KC, penalty_BP = contrast_KC.astype(dtype), penalty_BP.astype(dtype)

    def objective(v_CNP: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scale = scale_CNP if len(which) == scale_CNP.shape[2] else scale_CNP[:, :, which]
        weight, penalty = weight_MP[:, which], penalty_BP[:, which]
        *w, bias = np.split(scale * v_CNP, ends, axis=1)
        products = ([b.x_MN @ w_NP for w_NP in w_CNP] for b, w_CNP in zip(blocks, w, strict=True))
        score_CMP = np.stack([sum(of_class) for of_class in zip(*products, strict=True)]) + bias
        loss, residual_CMP = _loss(score_CMP, y_M, weight, q_KC)
        gradient = []
        for block, w_CNP, penalty_P in zip(blocks, w, penalty, strict=True):
            loss += penalty_P.astype(np.float64) / 2 * np.einsum("cnp,cnp->p", w_CNP, w_CNP, dtype=np.float64)
            gradient.append(np.stack([block.x_NM @ r_MP for r_MP in residual_CMP]) + penalty_P * w_CNP)
        gradient.append(residual_CMP.sum(axis=1, keepdims=True))
        return loss, scale * np.concatenate(gradient, axis=1)

    v_CNP = minimise(objective, np.zeros_like(scale_CNP), tolerance=tolerance)
    *weights, bias = np.split(scale_CNP * v_CNP, ends, axis=1)
    return Fitted(blocks, weights, bias[:, 0], q_KC)


def _scale(
    moments: Sequence[np.ndarray], y_M: np.ndarray, used_MP: np.ndarray, penalty_BP: np.ndarray, contrast_KC: np.ndarray
) -> np.ndarray:
    """Return one over the root of the Hessian's diagonal at the class priors: weights of all blocks, then the bias, [C,
    N + 1, P].
    """
    classes = len(contrast_KC)
    count_KP = np.stack([used_MP[y_M == k].sum(axis=0) for k in range(classes)])
    share_KP = (count_KP + 1) / (count_KP.sum(axis=0) + classes)  # one imaginary row of each class, for those that are absent
    # The diagonal of Q' (diag(p) - p p') Q: the curvature of the loss along each contrast while all rows are alike.
    bend_CP = (contrast_KC**2).T @ share_KP - (contrast_KC.T @ share_KP) ** 2
    of_blocks = [m[None, :, None] * bend_CP[:, None] + penalty_P for m, penalty_P in zip(moments, penalty_BP, strict=True)]
    return np.concatenate([*of_blocks, bend_CP[:, None]], axis=1) ** -0.5


def _loss(score_CMP: np.ndarray, y_M: np.ndarray, weight_MP: np.ndarray, q_KC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted cross-entropy of each problem (float64, nats) and its gradient by the scores, in contrasts."""
    score_KMP = np.tensordot(q_KC, score_CMP, 1)
    score_KMP -= score_KMP.max(axis=0)
    own_MP = np.take_along_axis(score_KMP, y_M[None, :, None], axis=0)[0]
    p_KMP = np.exp(score_KMP)
    sum_MP = p_KMP.sum(axis=0)
    loss_P = np.einsum("mp,mp->p", np.log(sum_MP) - own_MP, weight_MP, dtype=np.float64)
    p_KMP *= weight_MP / sum_MP
    for k in range(len(q_KC)):
        p_KMP[k, y_M == k] -= weight_MP[y_M == k]
    return loss_P, np.tensordot(q_KC.T, p_KMP, 1)


def contrasts(classes: int) -> np.ndarray:
    """Return [K, K - 1] orthonormal columns, each orthogonal to a column of ones."""
    basis, _ = np.linalg.qr(np.concatenate([np.ones((classes, 1)), np.eye(classes)[:, :-1]], axis=1))
    return basis[:, 1:]
