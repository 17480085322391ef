"""A least-squares map from one space of vectors to another, with a check on pairs that it was not fitted on.

Kiros et al., "Skip-Thought Vectors" (arXiv:1506.06726, section 2.2) take words into a model's vocabulary so: other word vectors are
mapped to the learned embedding by the map that fits best on the words both have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from torchcpc.contracts import CPCError


@dataclass(frozen=True, slots=True)
class MapCheck:
    """How well the map predicts `held_out` pairs after a fit on `fitted` others.

    Args:
        r2: the share explained of the squared distance from the mean of the fitted vectors (that mean itself has 0).
        cosine: mean over pairs.
        mean_cosine: the same of the mean of the fitted vectors.
    """

    fitted: int
    held_out: int
    r2: float
    cosine: float
    mean_cosine: float


def fit_map(x_ND: np.ndarray, y_NE: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Ordinary least squares with an intercept, in float64: x_ND -> float32 [N, E]. Raises CPCError for too few pairs."""
    from sklearn.linear_model import LinearRegression

    N, D = x_ND.shape
    if N <= D + 1:
        raise CPCError(
            f"{N} words have a vector on both sides, a map from {D} dimensions needs more than {D + 1}. "
            "Use vectors of fewer dimensions, or ones of the same language and spelling."
        )
    fitted = LinearRegression().fit(x_ND.astype(np.float64), y_NE.astype(np.float64))
    return lambda x_ND: fitted.predict(x_ND.astype(np.float64)).astype(np.float32)


def check_map(x_ND: np.ndarray, y_NE: np.ndarray, *, share: float = 0.1, seed: int = 0) -> MapCheck:
    """Fits on all but a random `share` of the pairs (at least one) and measures on that share."""
    order = np.random.default_rng(seed).permutation(len(x_ND))
    count = max(1, round(share * len(x_ND)))
    test, train = order[:count], order[count:]
    predicted_NE = fit_map(x_ND[train], y_NE[train])(x_ND[test]).astype(np.float64)
    true_NE, mean_E = y_NE[test].astype(np.float64), y_NE[train].mean(axis=0, dtype=np.float64)
    missed, spread = np.square(true_NE - predicted_NE).sum(), np.square(true_NE - mean_E).sum()
    r2 = float(1 - missed / spread) if spread else float("nan")
    return MapCheck(len(train), len(test), r2, _mean_cosine(predicted_NE, true_NE), _mean_cosine(mean_E, true_NE))


def _mean_cosine(a_NE: np.ndarray, b_NE: np.ndarray) -> float:
    """0 where a vector is zero."""
    length_N = np.linalg.norm(a_NE, axis=-1) * np.linalg.norm(b_NE, axis=-1)
    return float(((a_NE * b_NE).sum(axis=-1) / np.where(length_N > 0, length_N, 1)).mean())
