"""Finite Markov chains, seen directly or through an emission: the belief is exact, by the forward algorithm (L. Baum, 1966)."""

from __future__ import annotations

import numpy as np

from torchcpc.contracts import CPCError, Result
from torchcpc.data.synthetic.emissions import Emission, Symbols, distributions, pick
from torchcpc.data.synthetic.enumeration import enumerated
from torchcpc.data.synthetic.process import Sampled

# Where the past cannot be enumerated the information is a mean over this many sequences, after so many steps.
_SEQUENCES, _HISTORY = 20_000, 48


class HiddenMarkov:
    """A chain over S states with transitions P [S, S] and an emission. Belief: p(state_t | x_<=t), [S].

    pi: the stationary distribution; needed only where P has several (a chain that never leaves a class of states).
    """

    def __init__(self, P: np.ndarray, emission: Emission, *, pi: np.ndarray | None = None) -> None:
        self.P, self.emission, self.dim = distributions("P", P), emission, emission.dim
        if self.P.shape != (emission.states, emission.states):
            raise CPCError(f"P is {self.P.shape} for {emission.states} states of the emission: give one row and column each.")
        self.pi = stationary(self.P) if pi is None else distributions("pi", pi)[0]
        if np.abs(self.pi @ self.P - self.pi).max() > 1e-9:
            raise CPCError("pi is not stationary: pi P differs from pi. Leave pi out, or correct it.")

    def sample(self, sequences: int, steps: int, rng: np.random.Generator) -> Sampled:
        cumulative, state_B = self.P.cumsum(1), self._states((sequences,), rng)
        x_BTD = np.empty((sequences, steps, self.dim), dtype=np.float32)
        for t in range(steps):
            x_BTD[:, t] = self.emission.draw(state_B, rng)
            state_B = pick(cumulative[state_B], rng)
        return Sampled(x_BTD, np.arange(sequences))

    def belief(self, x_BTD: np.ndarray) -> np.ndarray:
        log_BTS = self.emission.log_likelihood(x_BTD.astype(np.float64))
        likely_BTS = np.exp(log_BTS - log_BTS.max(-1, keepdims=True))
        belief_BTS = np.empty_like(likely_BTS)
        prior_BS = np.broadcast_to(self.pi, likely_BTS[:, 0].shape)
        for t in range(likely_BTS.shape[1]):
            joint_BS = prior_BS * likely_BTS[:, t]
            belief_BTS[:, t] = joint_BS / joint_BS.sum(-1, keepdims=True)
            prior_BS = belief_BTS[:, t] @ self.P
        return belief_BTS

    def log_ratio(self, x: np.ndarray, belief: np.ndarray, k: int) -> np.ndarray:
        log_S = self.emission.log_likelihood(x)
        likely_S = np.exp(log_S - log_S.max(-1, keepdims=True))
        ahead_S = belief @ np.linalg.matrix_power(self.P, k)
        with np.errstate(divide="ignore"):  # what cannot follow has ratio 0
            return np.log((likely_S * ahead_S).sum(-1)) - np.log((likely_S * self.pi).sum(-1))

    def propose(self, belief: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        return self.emission.draw(self._states((*belief.shape[:-1], count), rng), rng)

    def information(self, k: int, *, past: int | None = None) -> Result:
        """By enumeration of every past for symbols, enclosed from both sides; for clouds a mean over sequences, with its interval."""
        if k < 1 or (past is not None and past < 1):
            raise CPCError(f"k = {k}, past = {past}: look at least 1 step ahead, from at least 1 step.")
        detail = {"k": k, "past": past}
        if self.emission.table is not None:
            low, high, count = enumerated(self.pi, self.P, self.emission.table, k, past)
            return Result("information", (low + high) / 2, "nats", count, low, high, detail)
        history, rng = past or _HISTORY, np.random.default_rng(0)
        x_BTD = self.sample(_SEQUENCES, history + k, rng).x_BTD
        ratio_B = self.log_ratio(x_BTD[:, -1], self.belief(x_BTD[:, :history])[:, -1], k)
        mean, half = float(ratio_B.mean()), 1.96 * float(ratio_B.std()) / _SEQUENCES**0.5
        return Result("information", mean, "nats", _SEQUENCES, mean - half, mean + half, detail)

    def _states(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return pick(np.broadcast_to(self.pi.cumsum(), (*shape, len(self.pi))), rng)


def markov_chain(P: np.ndarray, *, pi: np.ndarray | None = None) -> HiddenMarkov:
    """A chain whose states are seen: one-hot rows [S]. I = sum_i pi_i sum_j P^k_ij log P^k_ij / pi_j."""
    return HiddenMarkov(P, Symbols(np.eye(len(P))), pi=pi)


def symmetric(states: int, flip: float) -> np.ndarray:
    """[S, S] transitions that leave a state with probability `flip`, to each other state alike."""
    if states < 2 or not 0 <= flip <= 1:
        raise CPCError(f"states = {states}, flip = {flip}: at least 2 states, and a probability.")
    P = np.full((states, states), flip / (states - 1))
    np.fill_diagonal(P, 1 - flip)
    return P


def stationary(P: np.ndarray) -> np.ndarray:
    """[S] the one stationary distribution of P. Raises CPCError where there are several."""
    values, vectors = np.linalg.eig(P.T)
    if (np.abs(values - 1) < 1e-9).sum() != 1:
        raise CPCError("P has several stationary distributions: some states never reach others. Say which with pi.")
    pi = np.real(vectors[:, np.abs(values - 1).argmin()])
    return pi / pi.sum()
