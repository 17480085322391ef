"""Pairs of samples whose mutual information is known, for judging `mutual_information.py`.

Each family is (draw(n, rng) -> x, y; truth in nats). Truths are closed forms, and invertible maps of either side do not change them.
For mixtures and `scale`, the densities are known and averaged over many draws. The constant of the t distribution is that of
Arellano-Valle, Contreras-Reyes and Genton (2013). The kinds follow the literature on estimators. The numbers are ours.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.integrate import trapezoid
from scipy.special import digamma, gammaln, logsumexp, ndtr
from scipy.stats import norm

Draw = Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray]]
Family = tuple[Draw, float]
Map = Callable[[np.ndarray], np.ndarray]


def same(x: np.ndarray) -> np.ndarray:
    return x


def half_cube(x: np.ndarray) -> np.ndarray:
    return np.sign(x) * np.abs(x) ** 1.5


def wiggly(x: np.ndarray) -> np.ndarray:
    return x + 0.4 * np.sin(x) + 0.2 * np.sin(1.7 * x + 1) + 0.03 * np.sin(3.3 * x - 2.5)


def spiral(speed: float, first: int, second: int) -> Map:
    """Turns a plane by an angle that grows with the squared length: invertible, and invisible to ranks and correlations."""

    def turn(x: np.ndarray) -> np.ndarray:
        angle, turned = speed * (x**2).sum(axis=1), x.copy()
        turned[:, first] = np.cos(angle) * x[:, first] + np.sin(angle) * x[:, second]
        turned[:, second] = np.cos(angle) * x[:, second] - np.sin(angle) * x[:, first]
        return turned

    return turn


def two_humps(x: np.ndarray) -> np.ndarray:
    grid = np.linspace(-8, 8, 200_001)
    return np.interp(ndtr(x), 0.3 * ndtr((grid + 2) / 0.4) + 0.7 * ndtr((grid - 1.5) / 0.7), grid)


def dense(dim: int, rho: float) -> np.ndarray:
    return np.full((2 * dim, 2 * dim), rho) + (1 - rho) * np.eye(2 * dim)


def sparse(dim: int, rho: float, pairs: int) -> np.ndarray:
    S = np.eye(2 * dim)
    for i in range(pairs):
        S[i, dim + i] = S[dim + i, i] = rho
    return S


def gaussian(S: np.ndarray, to_x: Map = same, to_y: Map = same, *, nu: float = np.inf) -> Family:
    """Two halves of a normal vector (of a t vector with nu degrees of freedom) behind maps of either half."""
    dim = len(S) // 2

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        z = rng.standard_normal((n, 2 * dim)) @ np.linalg.cholesky(S).T
        if np.isfinite(nu):
            z /= np.sqrt(rng.chisquare(nu, (n, 1)) / nu)
        return to_x(z[:, :dim]), to_y(z[:, dim:])

    def f(v: float) -> float:
        return float(gammaln(v / 2) - v / 2 * digamma(v / 2))

    def half_log_det(A: np.ndarray) -> float:
        return 0.5 * float(np.linalg.slogdet(A)[1])

    truth = half_log_det(S[:dim, :dim]) + half_log_det(S[dim:, dim:]) - half_log_det(S)
    return draw, truth + (f(nu) + f(nu + 2 * dim) - 2 * f(nu + dim) if np.isfinite(nu) else 0.0)


def additive(width: float) -> Family:
    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.random((n, 1))
        return x, x + rng.uniform(-width, width, (n, 1))

    return draw, width - np.log(2 * width) if width <= 0.5 else 1 / (4 * width)


def swiss_roll(rho: float) -> Family:
    pair, truth = gaussian(dense(1, rho))

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, y = pair(n, rng)
        t = 1.5 * np.pi * (1 + 2 * ndtr(x))
        return np.hstack([t * np.cos(t), t * np.sin(t)]) / 21, ndtr(y)

    return draw, truth


def mixture(components: list[tuple[float, list[float], list[list[float]]]]) -> Family:
    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        which = rng.choice(len(components), n, p=[weight for weight, _, _ in components])
        z = np.stack([rng.multivariate_normal(mean, S, n) for _, mean, S in components])[which, np.arange(n)]
        return z[:, :1], z[:, 1:]

    def log_density(z: np.ndarray, axes: list[int]) -> np.ndarray:
        terms = []
        for weight, mean, S in components:
            A, away = np.array(S)[np.ix_(axes, axes)], z - np.array(mean)[axes]
            length = np.einsum("ni,ni->n", away @ np.linalg.inv(A), away)
            terms.append(np.log(weight) - 0.5 * (length + np.linalg.slogdet(2 * np.pi * A)[1]))
        return np.asarray(logsumexp(terms, axis=0))

    x, y = draw(400_000, np.random.default_rng(1))
    ratio = log_density(np.hstack([x, y]), [0, 1]) - log_density(x, [0]) - log_density(y, [1])
    return draw, float(ratio.mean())


def discrete_and_uniform(values: int) -> Family:
    """x one of so many values, y uniform on [x, x + 2) (Gao et al. 2017, arXiv:1709.06212)."""

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.integers(0, values, (n, 1)).astype(float)
        return x, x + 2 * rng.random((n, 1))

    return draw, np.log(values) - (values - 1) * np.log(2) / values


def parity() -> Family:
    """Three bits whose parity is the sign of y: no two columns depend on each other."""

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, y = rng.integers(0, 2, (n, 3)), rng.standard_normal((n, 2))
        y[:, 0] = np.where(x.sum(axis=1) % 2 == 1, 1, -1) * np.abs(y[:, 0])
        return x.astype(float), y

    return draw, np.log(2)


def scale(strength: float) -> Family:
    """x sets the spread of y and nothing else."""

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_normal((n, 2))
        return x, np.exp(strength * x[:, :1]) * rng.standard_normal((n, 1))

    node, weight = np.polynomial.hermite_e.hermegauss(120)
    weight = weight / weight.sum()
    y = np.sinh(np.linspace(-12, 12, 40_001))
    density = (norm.pdf(y[:, None], scale=np.exp(strength * node)) * weight).sum(axis=1)
    surprise = np.where(density > 0, -density * np.log(np.maximum(density, 1e-300)), 0.0)
    return draw, float(trapezoid(surprise, y) - 0.5 * np.log(2 * np.pi * np.e))


CROSS = [(0.5, [0.0, 0.0], [[1.0, 0.9], [0.9, 1.0]]), (0.5, [0.0, 0.0], [[1.0, -0.9], [-0.9, 1.0]])]
BLOBS = [(0.25, mean, [[0.09, 0.0], [0.0, 0.09]]) for mean in ([-1.0, -1.0], [-1.0, 1.2], [1.0, -0.4], [1.4, 1.0])]
ONION = [(0.6, [0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]]), (0.4, [0.0, 0.0], [[0.02, 0.0], [0.0, 9.0]])]

FAMILIES: dict[str, Family] = {
    "normal 1": gaussian(dense(1, 0.8)),
    "normal 1, strong": gaussian(dense(1, 0.999)),
    "normal 1, uniform margins": gaussian(dense(1, 0.6), ndtr, ndtr),
    "normal 5, dense": gaussian(dense(5, 0.6)),
    "normal 25, dense": gaussian(dense(25, 0.4)),
    "normal 50, dense": gaussian(dense(50, 0.3)),
    "normal 3, sparse": gaussian(sparse(3, 0.8, 2)),
    "normal 25, sparse": gaussian(sparse(25, 0.85, 2)),
    "normal 25, five strong pairs": gaussian(sparse(25, 0.9, 5)),
    "half-cube 25": gaussian(sparse(25, 0.85, 2), half_cube, half_cube),
    "half-cube 1": gaussian(dense(1, 0.9), half_cube, half_cube),
    "normal 5, uniform margins": gaussian(dense(5, 0.5), ndtr, ndtr),
    "t1 1, uncorrelated": gaussian(np.eye(2), nu=1),
    "t1 1": gaussian(dense(1, 0.7), nu=1),
    "t2 3": gaussian(sparse(3, 0.7, 2), nu=2),
    "t3 2": gaussian(dense(2, 0.5), nu=3),
    "t2 5": gaussian(sparse(5, 0.8, 2), nu=2),
    "t3 5": gaussian(dense(5, 0.5), nu=3),
    "t1 5, asinh": gaussian(sparse(5, 0.7, 2), np.arcsinh, np.arcsinh, nu=1),
    "t5 3, arctan": gaussian(dense(3, 0.4), np.arctan, np.arctan, nu=5),
    "t2 25": gaussian(sparse(25, 0.8, 2), nu=2),
    "spiral 2": gaussian(dense(2, 0.6), spiral(0.5, 0, 1), spiral(0.4, 0, 1)),
    "spiral 3": gaussian(sparse(3, 0.8, 2), spiral(1 / 3, 0, 1), spiral(1 / 3, 1, 2)),
    "spiral 5": gaussian(sparse(5, 0.8, 2), spiral(0.3, 0, 1), spiral(0.3, 1, 2)),
    "spiral 3, uniform": gaussian(sparse(3, 0.85, 2), lambda x: spiral(1.0, 0, 1)(ndtr(x) - 0.5)),
    "wiggly 1": gaussian(dense(1, 0.8), wiggly, wiggly),
    "wiggly 3": gaussian(dense(3, 0.5), wiggly, wiggly),
    "additive noise 0.08": additive(0.08),
    "additive noise 0.3": additive(0.3),
    "additive noise 0.75": additive(0.75),
    "swiss roll 0.8": swiss_roll(0.8),
    "swiss roll 0.95": swiss_roll(0.95),
    "bimodal": gaussian(dense(1, 0.75), two_humps, two_humps),
    "mixture, cross": mixture(CROSS),
    "mixture, blobs": mixture(BLOBS),
    "mixture, onion": mixture(ONION),
    "discrete 5 and uniform": discrete_and_uniform(5),
    "discrete 20 and uniform": discrete_and_uniform(20),
    "parity": parity(),
    "scale": scale(0.8),
    "independent 1": gaussian(np.eye(2)),
    "independent 5": gaussian(np.eye(10)),
    "independent 25": gaussian(np.eye(50)),
}
