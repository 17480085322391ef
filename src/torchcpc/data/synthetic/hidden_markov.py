"""Finite Markov chains, seen directly or through an emission.

The belief is exact, by the forward algorithm (L. Baum, 1966).
"""

import numpy as np

from torchcpc.contracts import CPCError, Result
from torchcpc.data.synthetic.process import SampledSequences

# If the past cannot be enumerated, the information is a mean over this many sequences with this many steps of past.
_SEQUENCES, _HISTORY = 20_000, 48
# Entries of the largest table of pasts, and the width of the interval at which a longer past is not worth its cost.
_LARGEST, _WIDTH = 1 << 20, 1e-9


class Symbols:
    """Emission of symbols as one-hot rows.

    The largest entry of a row is read as its symbol.

    Args:
        table: Probability of symbol j in state s, [S, D].
    """

    def __init__(self, table: np.ndarray) -> None:
        self.table = _distributions("emission", table)
        self.states, self.dim = self.table.shape
        with np.errstate(divide="ignore"):
            self._log = np.log(self.table).T.copy()

    def log_likelihood(self, x: np.ndarray) -> np.ndarray:
        """Return the log likelihood of every state in nats, [..., S].

        It is exact up to a term of x alone, which cancels in every ratio.

        Args:
            x: Steps, [..., D].
        """
        return self._log[x.argmax(-1)]

    def draw(self, state: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a one-hot row [..., D] for each state."""
        return np.eye(self.dim)[_pick(self.table.cumsum(1)[state], rng)]


class Clouds:
    """Emission of Gaussian vectors: x ~ N(means[s], deviation^2 I) in state s.

    There is no table of probabilities, since x is continuous.

    Args:
        means: Mean in each state, [S, D].
        deviation: Standard deviation.
    """

    table = None

    def __init__(self, means: np.ndarray, *, deviation: float = 1.0) -> None:
        self.means, self.deviation = np.atleast_2d(np.asarray(means, dtype=np.float64)), deviation
        self.states, self.dim = self.means.shape
        if deviation <= 0:
            raise CPCError(f"deviation = {deviation}: a cloud needs a positive one.")

    def log_likelihood(self, x: np.ndarray) -> np.ndarray:
        """Return the log likelihood of every state in nats, [..., S], up to a constant."""
        return -0.5 * (((x[..., None, :] - self.means) / self.deviation) ** 2).sum(-1)

    def draw(self, state: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a vector [..., D] for each state."""
        return self.means[state] + self.deviation * rng.standard_normal((*np.shape(state), self.dim))


class HiddenMarkov:
    """A Markov chain over S states, seen through an emission.

    The belief is p(state_t | x_<=t), [S].

    Args:
        P: Transition probabilities, [S, S].
        emission: What a state shows.
        pi: Stationary distribution, [S]. It is needed only if P has several, because a chain never leaves a class of
            states.
    """

    def __init__(self, P: np.ndarray, emission: Symbols | Clouds, *, pi: np.ndarray | None = None) -> None:
        self.P, self.emission, self.dim = _distributions("P", P), emission, emission.dim
        if self.P.shape != (emission.states, emission.states):
            raise CPCError(f"P is {self.P.shape} for {emission.states} states of the emission: give one row and column each.")
        self.pi = stationary(self.P) if pi is None else _distributions("pi", pi)[0]
        if np.abs(self.pi @ self.P - self.pi).max() > 1e-9:
            raise CPCError("pi is not stationary: pi P differs from pi. Leave pi out, or correct it.")

    def sample(self, sequences: int, steps: int, rng: np.random.Generator) -> SampledSequences:
        """Sample independent sequences. See `Process.sample`."""
        cumulative, state_B = self.P.cumsum(1), self._states((sequences,), rng)
        x_BTD = np.empty((sequences, steps, self.dim), dtype=np.float32)
        for t in range(steps):
            x_BTD[:, t] = self.emission.draw(state_B, rng)
            state_B = _pick(cumulative[state_B], rng)
        return SampledSequences(x_BTD, np.arange(sequences))

    def belief(self, x_BTD: np.ndarray) -> np.ndarray:
        """Return the distribution of the state at each step. See `Process.belief`."""
        likely_BTS = self._likelihood(x_BTD.astype(np.float64))
        belief_BTS = np.empty_like(likely_BTS)
        prior_BS = np.broadcast_to(self.pi, likely_BTS[:, 0].shape)
        for t in range(likely_BTS.shape[1]):
            joint_BS = prior_BS * likely_BTS[:, t]
            belief_BTS[:, t] = joint_BS / joint_BS.sum(-1, keepdims=True)
            prior_BS = belief_BTS[:, t] @ self.P
        return belief_BTS

    def log_ratio(self, x: np.ndarray, belief: np.ndarray, k: int) -> np.ndarray:
        """Return the log density ratio of candidates. See `Process.log_ratio`."""
        likely_S, ahead_S = self._likelihood(x), belief @ np.linalg.matrix_power(self.P, k)
        with np.errstate(divide="ignore"):  # an impossible step has ratio 0
            return np.log((likely_S * ahead_S).sum(-1)) - np.log((likely_S * self.pi).sum(-1))

    def propose(self, belief: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw candidates from the marginal distribution. See `Process.propose`."""
        return self.emission.draw(self._states((*belief.shape[:-1], count), rng), rng)

    def information(self, k: int, *, past: int | None = None) -> Result:
        """Return the information between the past and the step k ahead.

        For symbols, every past is enumerated, and the value is enclosed from both sides. For clouds, it is a mean over
        sequences with its interval.

        Args:
            k: Steps ahead.
            past: Number of past steps. None for all.

        Raises:
            CPCError: If `k` or `past` is below 1.
        """
        if k < 1 or (past is not None and past < 1):
            raise CPCError(f"k = {k}, past = {past}: look at least 1 step ahead, from at least 1 step.")
        detail = {"k": k, "past": past}
        if self.emission.table is not None:
            low, high, count = _enumerated(self.pi, self.P, self.emission.table, k, past)
            return Result("information", (low + high) / 2, "nats", count, low, high, detail)
        history, rng = past or _HISTORY, np.random.default_rng(0)
        x_BTD = self.sample(_SEQUENCES, history + k, rng).x_BTD
        ratio_B = self.log_ratio(x_BTD[:, -1], self.belief(x_BTD[:, :history])[:, -1], k)
        mean, half = float(ratio_B.mean()), 1.96 * float(ratio_B.std()) / _SEQUENCES**0.5
        return Result("information", mean, "nats", _SEQUENCES, mean - half, mean + half, detail)

    def _states(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return _pick(np.broadcast_to(self.pi.cumsum(), (*shape, len(self.pi))), rng)

    def _likelihood(self, x: np.ndarray) -> np.ndarray:
        """Return p(x | state) of every state, up to a factor of x alone."""
        log_S = self.emission.log_likelihood(x)
        return np.exp(log_S - log_S.max(-1, keepdims=True))


def markov_chain(P: np.ndarray, *, pi: np.ndarray | None = None) -> HiddenMarkov:
    """Return a chain whose states are seen directly, as one-hot rows [S].

    Its information is I = sum_i pi_i sum_j P^k_ij log P^k_ij / pi_j.

    Args:
        P: Transition probabilities, [S, S].
        pi: Stationary distribution, [S]. It is needed only if P has several.
    """
    return HiddenMarkov(P, Symbols(np.eye(len(P))), pi=pi)


def symmetric(states: int, flip: float) -> np.ndarray:
    """Return transitions that leave a state with a given probability, to all other states equally.

    Args:
        states: Number of states S.
        flip: Probability of leaving a state.

    Returns:
        Transition probabilities, [S, S].

    Raises:
        CPCError: If there are fewer than 2 states, or `flip` is no probability.
    """
    if states < 2 or not 0 <= flip <= 1:
        raise CPCError(f"states = {states}, flip = {flip}: at least 2 states, and a probability.")
    P = np.full((states, states), flip / (states - 1))
    np.fill_diagonal(P, 1 - flip)
    return P


def stationary(P: np.ndarray) -> np.ndarray:
    """Return the only stationary distribution of P, [S].

    Args:
        P: Transition probabilities, [S, S].

    Raises:
        CPCError: If there are several.
    """
    values, vectors = np.linalg.eig(P.T)
    if (np.abs(values - 1) < 1e-9).sum() != 1:
        raise CPCError("P has several stationary distributions: some states never reach others. Choose one with pi.")
    pi = np.real(vectors[:, np.abs(values - 1).argmin()])
    return pi / pi.sum()


def _distributions(name: str, table: np.ndarray) -> np.ndarray:
    """Return `table` as float64, after a check that its rows are distributions."""
    table = np.atleast_2d(np.asarray(table, dtype=np.float64))
    if (table < 0).any() or np.abs(table.sum(-1) - 1).max() > 1e-9:
        raise CPCError(f"{name}: every row must be a distribution; the sums are {table.sum(-1).tolist()}. Normalise the rows.")
    return table


def _pick(cumulative: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw an index [...] from each cumulative distribution [..., n]."""
    # Scaled by the last entry, which rounding may leave just below 1.
    return (rng.random(cumulative.shape[:-1])[..., None] * cumulative[..., -1:] >= cumulative).sum(-1)


def _enumerated(pi: np.ndarray, P: np.ndarray, table: np.ndarray, k: int, past: int | None) -> tuple[float, float, int]:
    """Return (low, high, number of pasts) of the information in the past about x_{t+k}, in nats.

    A given `past` is exact: low equals high. None means the whole past. Then the last L steps give the lower bound.
    Together with the state before them they give the upper bound, since that state screens off everything earlier (T.
    Cover, J. Thomas, Elements of Information Theory, theorem 4.5.1). The bounds meet geometrically as L grows.
    """
    S, symbols = table.shape
    if past is not None and S * symbols ** (past + 1) > 16 * _LARGEST:
        raise CPCError(
            f"past = {past}: {symbols} symbols make {symbols**past:,} pasts, too many to enumerate. Shorten the past."
        )
    ahead = np.linalg.matrix_power(P, k) @ table
    marginal = pi @ ahead
    # [1, pasts, S] and [S, pasts, S]: p(past, state now), without and with the state before the past.
    plain, known = pi[None, None, :], (np.diag(pi) @ P)[:, None, :]
    low, high, length = 0.0, np.inf, 0
    while length != past and (past is not None or (high - low > _WIDTH and known.size * symbols <= _LARGEST)):
        # The state emits, and it moves before the next step.
        plain, known = (
            ((joint @ P if length else joint)[:, :, None, :] * table.T).reshape(len(joint), -1, S) for joint in (plain, known)
        )
        length += 1
        low, high = _information(plain, ahead, marginal), _information(known, ahead, marginal)
    return (low, low if past is not None else max(low, high), plain.shape[1])


def _information(joint: np.ndarray, ahead: np.ndarray, marginal: np.ndarray) -> float:
    both = joint @ ahead
    expected = both.sum(-1, keepdims=True) * marginal
    some = both > 0
    return float((both[some] * np.log(both[some] / expected[some])).sum())
