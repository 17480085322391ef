"""Gaussian processes against dense joint Gaussians, Yule-Walker, published numbers and their own samples."""

import math

import numpy as np
import pytest
from scipy.linalg import solve_discrete_are, solve_toeplitz
from scipy.stats import multivariate_normal

from torchcpc.contracts import CPCError
from torchcpc.data.synthetic import LinearGaussian, autoregression, gaussian_pairs, gaussian_vectors, named

SEEN = LinearGaussian(  # three hidden numbers, two seen, both noises correlated
    np.array([[0.8, 0.3, 0.0], [-0.2, 0.7, 0.1], [0.0, 0.1, -0.5]]),
    np.array([[1.0, 0.0, 0.5], [0.2, 1.0, 0.0]]),
    np.array([[1.0, 0.2, 0.0], [0.2, 0.8, 0.1], [0.0, 0.1, 0.5]]),
    np.array([[0.7, 0.2], [0.2, 0.4]]),
)
ALL = {
    "seen": SEEN,
    "ar3": autoregression([0.5, -0.3, 0.2]),
    **{n: named(n) for n in ("gaussian-pairs", "gaussian-vectors", "ar1", "ar2-memory", "var1", "state-space")},
}


def joint(process: LinearGaussian, steps: int) -> np.ndarray:
    """[steps * D, steps * D] covariance of a stretch, from the moving-average sum: no filter, no Lyapunov solver."""
    powers = [np.eye(process.state)]
    while np.abs(powers[-1]).max() > 1e-12:
        powers.append(process.A @ powers[-1])
    state = sum(power @ process.Q @ power.T for power in powers)
    D = process.dim
    out = np.empty((steps * D, steps * D))
    for i in range(steps):
        for j in range(i + 1):
            block = process.C @ np.linalg.matrix_power(process.A, i - j) @ state @ process.C.T + (i == j) * process.R
            out[i * D : (i + 1) * D, j * D : (j + 1) * D] = block
            out[j * D : (j + 1) * D, i * D : (i + 1) * D] = block.T
    return out


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("history", "k"), [(1, 1), (2, 3), (7, 2)])
def test_ratio_and_information_are_those_of_the_joint_gaussian(name, history, k):
    process = ALL[name]
    D, past = process.dim, slice(0, history * process.dim)
    future = slice((history + k - 1) * D, (history + k) * D)
    S = joint(process, history + k)
    back = np.linalg.solve(S[past, past], S[past, future]).T
    left = S[future, future] - back @ S[past, future]
    rng = np.random.default_rng(history)
    x_BTD = process.sample(5, history, rng).x_BTD
    candidate_ND = rng.normal(size=(3, D)) * 2
    found = process.log_ratio(candidate_ND, process.belief(x_BTD)[:, -1:], k)
    assert found.shape == (5, 3)
    marginal = multivariate_normal(np.zeros(D), S[future, future])
    for row, x in zip(found, x_BTD, strict=True):
        conditional = multivariate_normal(back @ x.reshape(-1), left)
        expected = conditional.logpdf(candidate_ND) - marginal.logpdf(candidate_ND)
        np.testing.assert_allclose(row, expected, rtol=1e-6, atol=1e-7)
    expected = 0.5 * math.log(np.linalg.det(S[future, future]) / np.linalg.det(left))
    assert process.information(k, past=history).value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_samples_have_the_covariance_of_the_process(name):
    process, B = ALL[name], 40_000
    x_BTD = process.sample(B, 4, np.random.default_rng(3)).x_BTD
    assert x_BTD.dtype == np.float32 and x_BTD.shape == (B, 4, process.dim)
    flat, S = x_BTD.reshape(B, -1).astype(np.float64), joint(process, 4)
    found = flat.T @ flat / B
    # Var of a product of two Gaussians of known mean: S_ii S_jj + S_ij^2.
    error = np.sqrt((np.outer(np.diag(S), np.diag(S)) + S**2) / B)
    assert (np.abs(found - S) < 4.5 * error).all()


@pytest.mark.parametrize("phi", [(0.9,), (0.0, 0.9), (0.5, -0.3, 0.2)])
def test_autoregression_by_yule_walker(phi):
    """The autocorrelations solve Yule-Walker: their prediction coefficients are phi, and past p all others are zero."""
    process, lags = autoregression(phi), 9
    r = np.array(
        [(process.C @ np.linalg.matrix_power(process.A, h) @ process.stationary @ process.C.T).item() for h in range(lags)]
    )
    assert r[0] == pytest.approx(1)
    np.testing.assert_allclose(solve_toeplitz(r[:-1], r[1:]), [*phi, *[0] * (lags - 1 - len(phi))], atol=1e-9)
    # 0.5 log g0 / (s2 sum_{j<k} psi_j^2): psi by its own recursion.
    noise = 1 - sum(p * rho for p, rho in zip(phi, r[1:], strict=False))
    psi = [1.0]
    for k in range(1, 6):
        expected = 0.5 * math.log(1 / (noise * sum(w**2 for w in psi)))
        assert process.information(k).value == pytest.approx(expected, abs=1e-9)
        psi.append(sum(p * psi[-1 - i] for i, p in enumerate(phi) if i < len(psi)))


def test_published_values():
    ar1, memory, hidden = (ALL[n] for n in ("ar1", "ar2-memory", "state-space"))
    assert [round(ar1.information(k).value, 4) for k in (1, 2, 3, 4)] == [0.8304, 0.5337, 0.3790, 0.2815]
    assert [round(memory.information(k).value, 4) for k in (1, 2, 3, 4)] == [0.8304, 0.8304, 0.5337, 0.5337]
    assert [round(memory.information(k, past=1).value, 4) for k in (1, 2, 3, 4)] == [0, 0.8304, 0, 0.5337]
    assert [round(hidden.information(k).value, 4) for k in (1, 4, 12)] == [0.2107, 0.1457, 0.0590]
    assert [round(hidden.information(k, past=1).value, 4) for k in (1, 4, 12)] == [0.1278, 0.0907, 0.0379]
    pairs = gaussian_pairs([0.5, -0.9]).information(1)
    assert pairs.low == pairs.value == pairs.high == pytest.approx(0.1438 + 0.8304, abs=1e-4)
    assert autoregression([0.9]).information(1).value == pytest.approx(0.8304, abs=1e-4)


def test_vectors_by_canonical_correlations():
    S = np.array([[2.0, 0.3], [0.3, 1.0]])
    G = np.array([[0.9, 0.1], [-0.4, 0.5]])
    root = np.linalg.inv(np.linalg.cholesky(S))
    p = np.linalg.svd(root @ G @ root.T, compute_uv=False)
    process = gaussian_vectors(S, G)
    assert process.information(1).value == pytest.approx(-0.5 * np.log(1 - p**2).sum())
    np.testing.assert_allclose(process.marginal, S)
    np.testing.assert_allclose(process.A @ process.stationary, G)


def test_the_filter_settles_at_the_riccati_solution():
    ahead = solve_discrete_are(SEEN.A.T, SEEN.C.T, SEEN.Q, SEEN.R)
    np.testing.assert_allclose(SEEN.predictive(1), SEEN.C @ ahead @ SEEN.C.T + SEEN.R, rtol=1e-9)
    x_BTD = SEEN.sample(2, 300, np.random.default_rng(0)).x_BTD
    assert np.isfinite(SEEN.log_ratio(x_BTD[:, 1:], SEEN.belief(x_BTD)[:, :-1], 1)).all()


def test_what_cannot_be_is_refused():
    with pytest.raises(CPCError, match="spectral radius 1.1"):
        autoregression([1.1])
    with pytest.raises(CPCError, match="function of the steps before"):
        LinearGaussian(np.array([[0.5, 0], [0, 0.3]]), np.eye(2), np.diag([1.0, 0.0]))
    with pytest.raises(CPCError, match="between -1 and 1"):
        gaussian_pairs([0.3, 1.0])
    with pytest.raises(CPCError, match="do not make a covariance"):
        gaussian_vectors(np.eye(2), 1.2 * np.eye(2))
    with pytest.raises(CPCError, match="k = 0"):
        ALL["ar1"].information(0)
