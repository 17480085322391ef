"""Features as a linear model sees them, dense or sparse: products with weights and with residuals, and what makes them well scaled."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix


class Block(Protocol):
    """Rows of features in the coordinates in which the model is fitted. moment: mean square of each coordinate."""

    moment_N: np.ndarray

    def times(self, w_NP: np.ndarray) -> np.ndarray:
        """x w of the rows that the block was made of: [M, P]."""
        ...

    def back(self, residual_MP: np.ndarray) -> np.ndarray:
        """x' residual: [N, P]."""
        ...

    def answers(self, rows, w_NP: np.ndarray) -> np.ndarray:
        """x w of other rows of the same features."""
        ...


class Dense:
    """A matrix [M, D], rotated to the eigenvectors of its second moment, in which correlated columns are no longer so. The penalty
    does not notice: a rotation leaves |w| as it is."""

    def __init__(self, x_MD: np.ndarray) -> None:
        moment_N, axes_DN = np.linalg.eigh((x_MD.T @ x_MD).astype(np.float64) / len(x_MD))
        self._axes_DN = axes_DN.astype(x_MD.dtype)
        self._x_MN = x_MD @ self._axes_DN
        self.moment_N = moment_N.clip(min=0)

    def times(self, w_NP: np.ndarray) -> np.ndarray:
        return self._x_MN @ w_NP

    def back(self, residual_MP: np.ndarray) -> np.ndarray:
        return self._x_MN.T @ residual_MP

    def answers(self, rows: np.ndarray, w_NP: np.ndarray) -> np.ndarray:
        return rows @ (self._axes_DN @ w_NP)


class Sparse:
    """A sparse matrix [M, N] as it is; nothing of its size is ever made dense."""

    def __init__(self, x_MN: csr_matrix) -> None:
        # The transpose as rows of its own: a product with it then runs through memory in order.
        self._x_MN, self._x_NM = x_MN.tocsr(), x_MN.T.tocsr()
        self.moment_N = np.asarray(x_MN.multiply(x_MN).mean(axis=0), dtype=np.float64).ravel()

    def times(self, w_NP: np.ndarray) -> np.ndarray:
        return self._x_MN @ w_NP

    def back(self, residual_MP: np.ndarray) -> np.ndarray:
        return self._x_NM @ residual_MP

    def answers(self, rows: csr_matrix, w_NP: np.ndarray) -> np.ndarray:
        return rows @ w_NP
