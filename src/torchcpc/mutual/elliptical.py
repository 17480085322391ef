"""The part of dependence that needs no learning: an elliptical copula, Gaussian or Student t, fitted to ranks.

Mutual information does not change if an increasing function stretches a column. So each column first gets the margin
of a t distribution with nu degrees of freedom, by its ranks. nu = infinity is the normal distribution. If the result
is a multivariate t with scatter S, the log density ratio of (x, y) has a closed form. So every Gaussian or t
dependence can be read from S, whatever the margins are. Canonical correlations of S are set to zero where a
likelihood-ratio test (Bartlett's) finds no evidence for them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy import stats
from scipy.special import gammaln, ndtri

if TYPE_CHECKING:
    from torch import Tensor

A = TypeVar("A", np.ndarray, "Tensor")

DEGREES = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0, np.inf)
# Correlations are tested one after the other. The first that could be chance ends the list.
SIGNIFICANCE = 0.01
LARGEST_CORRELATION = 1 - 5e-7


def margins(x_ND: np.ndarray, nu: float) -> np.ndarray:
    """Return each column with its ranks replaced by t quantiles. The shape stays the same, and ties share their mean
    rank.

    Args:
        x_ND: The samples.
        nu: The degrees of freedom. Infinity means normal quantiles.
    """
    n = len(x_ND)
    # Mean ranks are whole or half numbers, so 2 n - 1 quantiles are enough for all columns.
    share = np.arange(2, 2 * n + 1) / (2 * (n + 1))
    quantiles = ndtri(share) if np.isinf(nu) else stats.t.ppf(share, nu)
    return quantiles[(2 * stats.rankdata(x_ND, axis=0)).astype(np.int64) - 2]


@dataclass(frozen=True, slots=True)
class Copula:
    """A fitted copula in canonical coordinates u = margins(x) @ to_u and v = margins(y) @ to_v.

    Both have unit scatter. Only u_r and v_r with the same index r are correlated, by rho_R.

    Attributes:
        nu: The degrees of freedom.
        to_u: Maps margins of x to u.
        to_v: Maps margins of y to v.
        rho_R: The canonical correlations.
    """

    nu: float
    to_u: np.ndarray
    to_v: np.ndarray
    rho_R: np.ndarray

    def log_ratio(self, u_MD: np.ndarray, v_ME: np.ndarray) -> np.ndarray:
        """Return log p(x, y) / p(x) p(y) in nats of paired canonical coordinates, [M]."""
        R = len(self.rho_R)
        u, v, rho = u_MD[:, :R], v_ME[:, :R], self.rho_R
        qx, qy = (u_MD**2).sum(1), (v_ME**2).sum(1)
        joint = qx + qy + ((rho**2 * (u**2 + v**2) - 2 * rho * u * v) / (1 - rho**2)).sum(1)
        elliptical = log_ratio(joint, qx, qy, self.nu, u_MD.shape[1], v_ME.shape[1], np.log1p)
        return elliptical - 0.5 * np.log(1 - rho**2).sum()


def log_ratio(joint: A, qx: A, qy: A, nu: float, dx: int, dy: int, log1p: Callable[[A], A]) -> A:
    """Return the log of a t density over the product of its margins, without the term -log det / 2.

    Args:
        joint: Squared Mahalanobis length of (x, y).
        qx: Squared Mahalanobis length of x.
        qy: Squared Mahalanobis length of y.
        nu: The degrees of freedom.
        dx: The dimension of x.
        dy: The dimension of y.
        log1p: The function of numpy or torch.
    """
    if np.isinf(nu):
        return 0.5 * (qx + qy - joint)
    constant = float(gammaln((nu + dx + dy) / 2) + gammaln(nu / 2) - gammaln((nu + dx) / 2) - gammaln((nu + dy) / 2))
    return constant - (nu + dx + dy) / 2 * log1p(joint / nu) + (nu + dx) / 2 * log1p(qx / nu) + (nu + dy) / 2 * log1p(qy / nu)


def fit_copula(x_ND: np.ndarray, y_NE: np.ndarray, nu: float, most: tuple[float, float] = (np.inf, np.inf)) -> Copula:
    """Fit the copula of rows that already have t margins.

    Args:
        x_ND: Margins of x.
        y_NE: Margins of y.
        nu: The degrees of freedom of the margins.
        most: The largest number of directions of x and of y to keep. Default: all.
    """
    n, dx = x_ND.shape
    S = _scatter(np.hstack([x_ND, y_NE]), nu)
    root_x, root_y = _inverse_root(S[:dx, :dx], most[0]), _inverse_root(S[dx:, dx:], most[1])
    left, rho, right = np.linalg.svd(root_x.T @ S[:dx, dx:] @ root_y, full_matrices=True)
    rho = _significant(np.minimum(rho, LARGEST_CORRELATION), n, left.shape[0], right.shape[0])
    return Copula(nu, root_x @ left, root_y @ right.T, rho)


def degrees_of_freedom(w_ND: np.ndarray) -> float:
    """Return the number of DEGREES whose t copula gives the rows the highest likelihood. Infinity means normal."""
    return max(DEGREES, key=lambda nu: _log_likelihood(margins(w_ND, nu), nu))


def _log_likelihood(w_ND: np.ndarray, nu: float) -> float:
    """Return the mean log density of the fitted copula in nats: that of the joint t minus those of its margins."""
    d = w_ND.shape[1]
    value, vector = np.linalg.eigh(_scatter(w_ND, nu))
    kept = value > 1e-6 * value.max()
    length_N = ((w_ND @ vector[:, kept]) ** 2 / value[kept]).sum(axis=1)
    if np.isinf(nu):
        return float(0.5 * ((w_ND**2).sum(axis=1) - length_N).mean() - 0.5 * np.log(value[kept]).sum())
    constant = gammaln((nu + d) / 2) + (d - 1) * gammaln(nu / 2) - d * gammaln((nu + 1) / 2)
    joint_N, margins_N = (nu + d) / 2 * np.log1p(length_N / nu), (nu + 1) / 2 * np.log1p(w_ND**2 / nu).sum(axis=1)
    return float(constant + (margins_N - joint_N).mean() - 0.5 * np.log(value[kept]).sum())


def _scatter(w_ND: np.ndarray, nu: float, iterations: int = 10) -> np.ndarray:
    """Return the maximum-likelihood scatter of a centred t with known nu, by iterated reweighting (Kent and Tyler 1991)."""
    n, d = w_ND.shape
    S = w_ND.T @ w_ND / n if np.isinf(nu) else np.cov(np.arcsinh(w_ND).T)
    for _ in range(0 if np.isinf(nu) else iterations):
        length_N = np.einsum("nd,nd->n", w_ND @ np.linalg.pinv(S, hermitian=True), w_ND)
        S = (w_ND * ((nu + d) / (nu + length_N))[:, None]).T @ w_ND / n
    return S


def _inverse_root(S: np.ndarray, most: float) -> np.ndarray:
    """Return columns that whiten, those of largest variance. Directions without variance, such as a repeated column, are
    dropped.
    """
    value, vector = np.linalg.eigh(S)
    kept = (value > 1e-6 * value.max()) & (np.arange(len(value)) >= len(value) - most)
    return vector[:, kept] / np.sqrt(value[kept])


def _significant(rho: np.ndarray, n: int, dx: int, dy: int) -> np.ndarray:
    """Return the correlations with those that could be chance set to zero."""
    kept = 0
    for first in range(len(rho)):
        statistic = -(n - 1 - (dx + dy + 1) / 2) * np.log(1 - rho[first:] ** 2).sum()
        if stats.chi2.sf(statistic, (dx - first) * (dy - first)) >= SIGNIFICANCE:
            break
        kept = first + 1
    # Sample correlations are too large by chance. The usual adjustment of a squared multiple correlation corrects that.
    adjusted = 1 - (1 - rho**2) * (n - 1) / max(1, n - max(dx, dy))
    return np.where(np.arange(len(rho)) < kept, np.sqrt(np.clip(adjusted, 0, None)), 0.0)
