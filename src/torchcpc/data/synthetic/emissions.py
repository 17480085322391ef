"""What a hidden state shows: one of finitely many symbols, or a point of a Gaussian cloud."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from torchcpc.contracts import CPCError


class Emission(Protocol):
    """p(x | state) for S states. `table` is [S, symbols] where x has finitely many values, None where it has not."""

    dim: int
    states: int
    table: np.ndarray | None

    def log_likelihood(self, x: np.ndarray) -> np.ndarray:
        """x [..., D] -> [..., S], nats; up to a term of x alone, which no ratio sees."""
        ...

    def draw(self, state: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """state [...] -> x [..., D]."""
        ...


class Symbols:
    """Symbol j with probability table[s, j] in state s, shown as a one-hot row; what is read is the largest entry."""

    def __init__(self, table: np.ndarray) -> None:
        self.table: np.ndarray | None = distributions("emission", table)
        self._cumulative = self._table.cumsum(1)
        self.states, self.dim = self._table.shape
        with np.errstate(divide="ignore"):
            self._log = np.log(self._table).T.copy()

    @property
    def _table(self) -> np.ndarray:
        assert self.table is not None
        return self.table

    def log_likelihood(self, x: np.ndarray) -> np.ndarray:
        return self._log[x.argmax(-1)]

    def draw(self, state: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.eye(self.dim)[pick(self._cumulative[state], rng)]


class Clouds:
    """x ~ N(means[s], deviation^2 I) in state s: means [S, D]."""

    table: np.ndarray | None = None

    def __init__(self, means: np.ndarray, *, deviation: float = 1.0) -> None:
        self.means, self.deviation = np.atleast_2d(np.asarray(means, dtype=np.float64)), deviation
        self.states, self.dim = self.means.shape
        if deviation <= 0:
            raise CPCError(f"deviation = {deviation}: a cloud needs a positive one.")

    def log_likelihood(self, x: np.ndarray) -> np.ndarray:
        return -0.5 * (((x[..., None, :] - self.means) / self.deviation) ** 2).sum(-1)

    def draw(self, state: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return self.means[state] + self.deviation * rng.standard_normal((*np.shape(state), self.dim))


def distributions(name: str, table: np.ndarray) -> np.ndarray:
    """`table` as float64, its rows checked to be distributions."""
    table = np.atleast_2d(np.asarray(table, dtype=np.float64))
    if (table < 0).any() or np.abs(table.sum(-1) - 1).max() > 1e-9:
        raise CPCError(f"{name}: every row must be a distribution; the sums are {table.sum(-1).tolist()}. Normalise the rows.")
    return table


def pick(cumulative: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """[..., n] cumulative distributions -> [...] an index drawn from each."""
    # Below 1 by the last entry itself, whose rounding may leave it just under 1.
    return (rng.random(cumulative.shape[:-1])[..., None] * cumulative[..., -1:] >= cumulative).sum(-1)
