"""Features as a linear model sees them, dense or sparse: products with weights and with residuals, and what makes them well scaled."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from scipy.sparse import csr_matrix


class Block(Protocol):
    """Rows of features in the coordinates in which the model is fitted. second_moment_N: mean square of each coordinate."""

    second_moment_N: np.ndarray

    def matvec(self, w_NP: np.ndarray) -> np.ndarray:
        """x w of the rows that the block was made of: [M, P]."""
        ...

    def rmatvec(self, residual_MP: np.ndarray) -> np.ndarray:
        """x' residual: [N, P]."""
        ...

    def project(self, rows: Any, w_NP: np.ndarray) -> np.ndarray:
        """x w of other rows of the same features."""
        ...


class Dense:
    """A matrix [M, D], rotated to the eigenvectors of its second moment, in which correlated columns are no longer so. The penalty
    does not notice: a rotation leaves |w| as it is."""

    def __init__(self, x_MD: np.ndarray) -> None:
        moment_N, axes_DN = np.linalg.eigh((x_MD.T @ x_MD).astype(np.float64) / len(x_MD))
        self._axes_DN = axes_DN.astype(x_MD.dtype)
        self._x_MN = x_MD @ self._axes_DN
        self.second_moment_N = moment_N.clip(min=0)

    def matvec(self, w_NP: np.ndarray) -> np.ndarray:
        return self._x_MN @ w_NP

    def rmatvec(self, residual_MP: np.ndarray) -> np.ndarray:
        return self._x_MN.T @ residual_MP

    def project(self, rows: np.ndarray, w_NP: np.ndarray) -> np.ndarray:
        return rows @ (self._axes_DN @ w_NP)


class Sparse:
    """A sparse matrix [M, N], nothing of whose size is ever made dense.

    Columns that a single row has (three of four pairs of words) say together only how far that row goes along their own direction: they are
    turned into one column per row, which is a rotation and changes no answer. What no row has is left out, for its weight is zero.
    """

    def __init__(self, x_MN: csr_matrix) -> None:
        self._turn_NR = _one_per_row(x_MN)
        self._x_MR = csr_matrix(x_MN @ self._turn_NR)
        # The transpose as rows of its own: a product with it then runs through memory in order.
        self._x_RM = csr_matrix(self._x_MR.T)
        self.second_moment_N = np.asarray(self._x_MR.multiply(self._x_MR).mean(axis=0), dtype=np.float64).ravel()

    def matvec(self, w_NP: np.ndarray) -> np.ndarray:
        return self._x_MR @ w_NP

    def rmatvec(self, residual_MP: np.ndarray) -> np.ndarray:
        return self._x_RM @ residual_MP

    def project(self, rows: csr_matrix, w_NP: np.ndarray) -> np.ndarray:
        return rows @ (self._turn_NR @ w_NP)


def _one_per_row(x_MN: csr_matrix) -> csr_matrix:
    """[N, R] with orthonormal columns: those of x that several rows have as they are, then one direction for each row's own."""
    by_column = x_MN.tocsc()
    by_column.eliminate_zeros()
    rows_N = np.diff(by_column.indptr)
    shared, own = np.flatnonzero(rows_N > 1), np.flatnonzero(rows_N == 1)
    place = by_column.indptr[own]
    value, (_, row) = by_column.data[place], np.unique(by_column.indices[place], return_inverse=True)
    length = np.sqrt(np.bincount(row, value.astype(np.float64) ** 2))
    data = np.concatenate([np.ones(len(shared)), value / length[row]]).astype(x_MN.dtype)
    columns = np.concatenate([np.arange(len(shared)), len(shared) + row])
    shape = (len(rows_N), len(shared) + len(length))
    return csr_matrix((data, (np.concatenate([shared, own]), columns)), shape=shape)
