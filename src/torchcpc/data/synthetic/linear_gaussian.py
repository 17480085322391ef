"""Linear-Gaussian processes: a hidden state that moves linearly and is seen through noise.

    s_{t+1} = A s_t + w, w ~ N(0, Q)        x_t = C s_t + v, v ~ N(0, R)

The belief is that of the Kalman filter (R. E. Kalman, 1960): a mean, and a covariance that depends only on the number of
steps seen. Pairs, vectors and autoregressions have functions of their own.
"""

from collections.abc import Sequence

import numpy as np

from torchcpc.contracts import CPCError, Result
from torchcpc.data.synthetic.process import SampledSequences

# The covariance of the filter converges geometrically. A smaller change per step counts as the limit.
_CONVERGED = 1e-14


class LinearGaussian:
    """A stationary linear-Gaussian process.

    The belief is the mean of the state, then the number of steps seen.

    Args:
        A: Transition of the state.
        C: Observation of the state, with D rows.
        Q: Covariance of the noise of the state.
        R: Covariance of the noise of the observation. None for no noise.

    Raises:
        CPCError: If the process is not stationary, or a step is a function of the past. Its density would then be infinite.
    """

    def __init__(self, A: np.ndarray, C: np.ndarray, Q: np.ndarray, R: np.ndarray | None = None) -> None:
        from scipy.linalg import solve_discrete_lyapunov

        self.A, self.C, self.Q = (np.atleast_2d(np.asarray(m, dtype=np.float64)) for m in (A, C, Q))
        self.dim, self.state = self.C.shape
        self.R = np.zeros((self.dim, self.dim)) if R is None else np.atleast_2d(np.asarray(R, dtype=np.float64))
        if (radius := np.abs(np.linalg.eigvals(self.A)).max()) >= 1:
            raise CPCError(
                f"A has spectral radius {radius:.4g}: a stationary process needs less than 1. Shrink its coefficients."
            )
        self.stationary = _symmetric(solve_discrete_lyapunov(self.A, self.Q))
        self.marginal = _symmetric(self.C @ self.stationary @ self.C.T + self.R)
        self._gains: list[np.ndarray] = []
        self._filtered: list[np.ndarray] = [self.stationary]  # by the number of steps seen
        self._limit = 0
        predicted = self.stationary
        while not self._limit:
            innovation = self.C @ predicted @ self.C.T + self.R
            if np.linalg.eigvalsh(innovation).min() <= 1e-12 * np.linalg.eigvalsh(self.marginal).max():
                raise CPCError("a step of this process is a function of the steps before it. Add noise to Q or R.")
            gain = np.linalg.solve(innovation, self.C @ predicted).T
            # Joseph's form stays positive where rounding would make P - K C P negative.
            rest = np.eye(self.state) - gain @ self.C
            filtered = _symmetric(rest @ predicted @ rest.T + gain @ self.R @ gain.T)
            if np.abs(filtered - self._filtered[-1]).max() < _CONVERGED * np.abs(self.stationary).max():
                self._limit = len(self._filtered)
            self._gains.append(gain)
            self._filtered.append(filtered)
            predicted = self.A @ filtered @ self.A.T + self.Q

    def sample(self, sequences: int, steps: int, rng: np.random.Generator) -> SampledSequences:
        """Sample independent sequences. See `Process.sample`."""
        moved, seen = _root(self.Q), _root(self.R)
        x_BTD = np.empty((sequences, steps, self.dim), dtype=np.float32)
        s_BS = rng.standard_normal((sequences, self.state)) @ _root(self.stationary).T
        for t in range(steps):
            x_BTD[:, t] = s_BS @ self.C.T + rng.standard_normal((sequences, self.dim)) @ seen.T
            s_BS = s_BS @ self.A.T + rng.standard_normal((sequences, self.state)) @ moved.T
        return SampledSequences(x_BTD, np.arange(sequences))

    def belief(self, x_BTD: np.ndarray) -> np.ndarray:
        """Return the filtered mean of the state and the steps seen. See `Process.belief`."""
        B, T, _ = x_BTD.shape
        belief = np.empty((B, T, self.state + 1))
        mean_BS = np.zeros((B, self.state))
        for t in range(T):
            surprise_BD = x_BTD[:, t].astype(np.float64) - mean_BS @ self.C.T
            mean_BS = mean_BS + surprise_BD @ self._gains[min(t, self._limit - 1)].T
            belief[:, t, :-1], belief[:, t, -1] = mean_BS, t + 1
            mean_BS = mean_BS @ self.A.T
        return belief

    def log_ratio(self, x: np.ndarray, belief: np.ndarray, k: int) -> np.ndarray:
        """Return the log density ratio of candidates. See `Process.log_ratio`."""
        from scipy.linalg import solve_triangular

        mean = belief[..., :-1] @ np.linalg.matrix_power(self.A, k).T @ self.C.T
        lengths, which = np.unique(np.minimum(belief[..., -1].astype(int), self._limit), return_inverse=True)
        ahead = np.stack([self.predictive(k, past=n) for n in lengths.tolist()])
        which = which.reshape(belief.shape[:-1])
        roots = np.linalg.cholesky(ahead)
        whiten = np.stack([solve_triangular(root, np.eye(self.dim), lower=True) for root in roots])
        log_scale = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(1)
        root = np.linalg.cholesky(self.marginal)
        plain = x @ solve_triangular(root, np.eye(self.dim), lower=True).T
        away = (whiten[which] @ (x - mean)[..., None])[..., 0]
        scale = np.log(np.diagonal(root)).sum() - log_scale[which]
        return scale + 0.5 * ((plain**2).sum(-1) - (away**2).sum(-1))

    def propose(self, belief: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw candidates from the marginal distribution. See `Process.propose`."""
        return rng.standard_normal((*belief.shape[:-1], count, self.dim)) @ _root(self.marginal).T

    def information(self, k: int, *, past: int | None = None) -> Result:
        """Return 0.5 log |Cov x_{t+k}| / |Cov x_{t+k} given the past|.

        Args:
            k: Steps ahead.
            past: Number of past steps. None for all.
        """
        marginal, predictive = (
            np.linalg.slogdet(covariance)[1] for covariance in (self.marginal, self.predictive(k, past=past))
        )
        value = 0.5 * float(marginal - predictive)
        return Result("information", value, "nats", 0, value, value, {"k": k, "past": past})

    def predictive(self, k: int, *, past: int | None = None) -> np.ndarray:
        """Return the covariance of x_{t+k} given the past, [D, D].

        Args:
            k: Steps ahead.
            past: Number of past steps. None for all.

        Raises:
            CPCError: If `k` is below 1, or `past` is negative.
        """
        if k < 1 or (past is not None and past < 0):
            raise CPCError(f"k = {k}, past = {past}: look at least 1 step ahead, from at least 0 steps.")
        covariance = self._filtered[self._limit if past is None else min(past, self._limit)]
        for _ in range(k):
            covariance = self.A @ covariance @ self.A.T + self.Q
        return _symmetric(self.C @ covariance @ self.C.T + self.R)


def gaussian_pairs(correlations: Sequence[float]) -> LinearGaussian:
    """Return a process in which neighbouring steps are D independent pairs of unit variance.

    Its information is I = -0.5 sum log(1 - p^2) at k = 1.

    Args:
        correlations: Correlation p of each pair, between -1 and 1.

    Raises:
        CPCError: If a correlation is out of range.
    """
    p = np.asarray(correlations, dtype=np.float64)
    if not (np.abs(p) < 1).all():
        raise CPCError(f"correlations = {list(correlations)}: each lies between -1 and 1, neither included.")
    return LinearGaussian(np.diag(p), np.eye(len(p)), np.diag(1 - p**2))


def gaussian_vectors(covariance: np.ndarray, cross: np.ndarray) -> LinearGaussian:
    """Return a process in which neighbouring steps are jointly Gaussian.

    Its information is I = -0.5 sum log(1 - p_i^2) over the canonical correlations at k = 1.

    Args:
        covariance: Cov x_t, [D, D].
        cross: Cov(x_{t+1}, x_t), [D, D].

    Raises:
        CPCError: If no such pair exists.
    """
    S, G = np.asarray(covariance, dtype=np.float64), np.asarray(cross, dtype=np.float64)
    if np.linalg.eigvalsh(np.block([[S, G.T], [G, S]])).min() <= 0:
        raise CPCError("covariance and cross do not make a covariance of the pair. Shrink cross.")
    A = np.linalg.solve(S, G.T).T
    return LinearGaussian(A, np.eye(len(S)), S - A @ G.T)


def autoregression(coefficients: Sequence[float]) -> LinearGaussian:
    """Return x_t = sum_i coefficients[i-1] x_{t-i} + noise, with unit variance.

    Coefficients (0, 0.9) test memory: x_t alone has no information about x_{t+1}, and x_{t-1} has 0.83 nats.

    Args:
        coefficients: One coefficient per lag, the smallest lag first.

    Raises:
        CPCError: If there is no coefficient, or the process is not stationary.
    """
    from scipy.linalg import solve_discrete_lyapunov  # takes longer to load than all readers together

    p = len(coefficients)
    if p < 1:
        raise CPCError("autoregression without coefficients: give at least one.")
    A = np.eye(p, k=-1)
    A[0] = coefficients
    Q, C = np.zeros((p, p)), np.eye(1, p)
    if np.abs(np.linalg.eigvals(A)).max() < 1:  # otherwise the process itself raises an error
        Q[0, 0] = 1.0
        Q = Q / solve_discrete_lyapunov(A, Q)[0, 0]
    return LinearGaussian(A, C, Q)


def vector_autoregression(A: np.ndarray, Q: np.ndarray) -> LinearGaussian:
    """Return x_{t+1} = A x_t + noise of covariance Q.

    Args:
        A: Transition, [D, D].
        Q: Covariance of the noise, [D, D].
    """
    return LinearGaussian(A, np.eye(len(A)), Q)


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    return (matrix + matrix.T) / 2


def _root(covariance: np.ndarray) -> np.ndarray:
    """Return a square root of a covariance that may be singular, which Cholesky refuses."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.clip(values, 0, None))
