"""A least-squares map from one space of vectors to another, with a check on pairs that it was not fitted on.

Kiros et al., "Skip-Thought Vectors" (arXiv:1506.06726, section 2.2) take words into a model's vocabulary so: other word vectors are
mapped to the learned embedding by the map that fits best on the words both have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from torchcpc.contracts import CPCError


@dataclass(frozen=True, slots=True)
class LinearMap:
    """y = x @ weight_DE + bias_E."""

    weight_DE: np.ndarray
    bias_E: np.ndarray

    def __call__(self, x_ND: np.ndarray) -> np.ndarray:
        """float32 [N, E]."""
        return (x_ND.astype(np.float64) @ self.weight_DE + self.bias_E).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Check:
    """How well the map foretells `held_out` pairs after a fit on `fitted` others: r2, the share explained of the squared distance from
    the mean of the fitted vectors (that mean itself has 0); cosine, mean over pairs; mean_cosine, that of the mean."""

    fitted: int
    held_out: int
    r2: float
    cosine: float
    mean_cosine: float


def fit(x_ND: np.ndarray, y_NE: np.ndarray) -> LinearMap:
    """Ordinary least squares with an intercept, in float64. Raises CPCError for no more pairs than unknowns of one output."""
    N, D = x_ND.shape
    if N <= D + 1:
        raise CPCError(
            f"{N} words have a vector on both sides, a map from {D} dimensions needs more than {D + 1}. "
            "Use vectors of fewer dimensions, or ones of the same language and spelling."
        )
    centre_D, centre_E = x_ND.mean(axis=0, dtype=np.float64), y_NE.mean(axis=0, dtype=np.float64)
    weight_DE = np.linalg.lstsq(x_ND - centre_D, y_NE - centre_E, rcond=None)[0]
    return LinearMap(weight_DE, centre_E - centre_D @ weight_DE)


def check(x_ND: np.ndarray, y_NE: np.ndarray, *, share: float = 0.1, seed: int = 0) -> Check:
    """Fits on all but a random `share` of the pairs (at least one) and measures on that share."""
    order = np.random.default_rng(seed).permutation(len(x_ND))
    apart = max(1, round(share * len(x_ND)))
    held, kept = order[:apart], order[apart:]
    found_NE = fit(x_ND[kept], y_NE[kept])(x_ND[held]).astype(np.float64)
    true_NE, mean_E = y_NE[held].astype(np.float64), y_NE[kept].mean(axis=0, dtype=np.float64)
    missed, spread = np.square(true_NE - found_NE).sum(), np.square(true_NE - mean_E).sum()
    return Check(
        len(kept),
        len(held),
        float(1 - missed / spread) if spread else float("nan"),
        float(_cosine(found_NE, true_NE).mean()),
        float(_cosine(np.broadcast_to(mean_E, true_NE.shape), true_NE).mean()),
    )


def _cosine(a_NE: np.ndarray, b_NE: np.ndarray) -> np.ndarray:
    """[N], 0 where a vector is zero."""
    length_N = np.linalg.norm(a_NE, axis=1) * np.linalg.norm(b_NE, axis=1)
    return (a_NE * b_NE).sum(axis=1) / np.where(length_N > 0, length_N, 1)
