"""The Gaussian processes by name: pairs, vectors, AR(p), VAR(1) and a noisy hidden state, all of them `LinearGaussian`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.data.synthetic.linear_gaussian import LinearGaussian


def gaussian_pairs(correlations: Sequence[float]) -> LinearGaussian:
    """Any two neighbouring steps are D independent pairs of unit variance: I = -0.5 sum log(1 - p^2) at k = 1."""
    p = np.asarray(correlations, dtype=np.float64)
    if not (np.abs(p) < 1).all():
        raise CPCError(f"correlations = {list(correlations)}: each lies between -1 and 1, neither included.")
    return LinearGaussian(np.diag(p), np.eye(len(p)), np.diag(1 - p**2))


def gaussian_vectors(covariance: np.ndarray, cross: np.ndarray) -> LinearGaussian:
    """Neighbouring steps are jointly Gaussian: Cov x_t = covariance, Cov(x_{t+1}, x_t) = cross, both [D, D].

    I = -0.5 sum log(1 - p_i^2) over the canonical correlations at k = 1. Raises CPCError if no such pair exists.
    """
    S, G = np.asarray(covariance, dtype=np.float64), np.asarray(cross, dtype=np.float64)
    if np.linalg.eigvalsh(np.block([[S, G.T], [G, S]])).min() <= 0:
        raise CPCError("covariance and cross do not make a covariance of the pair. Shrink cross.")
    A = np.linalg.solve(S, G.T).T
    return LinearGaussian(A, np.eye(len(S)), S - A @ G.T)


def autoregression(coefficients: Sequence[float], *, copies: int = 1) -> LinearGaussian:
    """x_t = sum_i coefficients[i-1] x_{t-i} + noise, unit variance, in `copies` independent copies side by side.

    (0, 0.9) is the test of memory: x_t alone says nothing of x_{t+1}, x_{t-1} says 0.83 nats.
    """
    from scipy.linalg import solve_discrete_lyapunov  # takes longer to load than all readers together

    p = len(coefficients)
    if p < 1 or copies < 1:
        raise CPCError(f"{p} coefficients, copies = {copies}: give at least one of each.")
    A = np.eye(p, k=-1)
    A[0] = coefficients
    Q, C = np.zeros((p, p)), np.eye(1, p)
    if np.abs(np.linalg.eigvals(A)).max() < 1:  # otherwise the process itself says what is wrong
        Q[0, 0] = 1.0
        Q = Q / solve_discrete_lyapunov(A, Q)[0, 0]
    one = np.eye(copies)
    return LinearGaussian(np.kron(one, A), np.kron(one, C), np.kron(one, Q))


def vector_autoregression(A: np.ndarray, Q: np.ndarray) -> LinearGaussian:
    """x_{t+1} = A x_t + noise of covariance Q, both [D, D]."""
    return LinearGaussian(A, np.eye(len(A)), Q)
