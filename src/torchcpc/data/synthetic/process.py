"""What every process with a known truth offers: sequences, the exact density ratio of any pair, and the information they share."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from torchcpc.contracts import Result


class Sampled(NamedTuple):
    """Independent stationary sequences. x_BTD: float32; group_B: int64, for instance the speaker."""

    x_BTD: np.ndarray
    group_B: np.ndarray


class Process(Protocol):
    """A stationary process whose density ratios are exact. Nats throughout; k is how many steps ahead, at least 1.

    The past enters through a belief: S numbers that hold all that x_<=t says about the future. Beliefs and candidates are plain
    arrays that broadcast against each other: [M, 1, S] against [N, D] scores every candidate in every context.
    """

    dim: int

    def sample(self, sequences: int, steps: int, rng: np.random.Generator) -> Sampled:
        """`sequences` independent stretches of `steps` steps, each begun in the stationary distribution."""
        ...

    def belief(self, x_BTD: np.ndarray) -> np.ndarray:
        """[B, T, S]: at each step what is known from the sequence's first step up to and including it."""
        ...

    def log_ratio(self, x: np.ndarray, belief: np.ndarray, k: int) -> np.ndarray:
        """log p(x_{t+k} = x | x_<=t) / q(x), q the proposal: x [..., D], belief [..., S] -> [...] by broadcasting."""
        ...

    def propose(self, belief: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        """[..., S] -> [..., count, D]: independent draws from the proposal q, the stationary marginal unless the process says else."""
        ...

    def information(self, k: int, *, past: int | None = None) -> Result:
        """I(x_{t+k}; x_<=t), or with only the last `past` steps. low and high enclose the truth; they agree for a closed form."""
        ...
