"""What every process with a known truth offers (sequences, the exact density ratio of any pair, the information they share), and what
InfoNCE measures when its score is that ratio: the value that a perfectly trained model reaches, and none passes."""

import math
from typing import NamedTuple, Protocol

import numpy as np

from torchcpc.contracts import CPCError, Result

# Numbers of candidates that may exist at once: bounds memory, not the result.
_BLOCK = 1 << 20


class SampledSequences(NamedTuple):
    """Independent stationary sequences. x_BTD: float32; group_B: int64, for instance the speaker."""

    x_BTD: np.ndarray
    group_B: np.ndarray


class Process(Protocol):
    """A stationary process whose density ratios are exact. Nats throughout; k is how many steps ahead, at least 1. The past enters through
    a belief: S numbers that hold all that x_<=t says about the future. Beliefs and candidates are plain arrays that broadcast against each
    other: [M, 1, S] against [N, D] scores every candidate in every context."""

    dim: int

    def sample(self, sequences: int, steps: int, rng: np.random.Generator) -> SampledSequences:
        """`sequences` independent stretches of `steps` steps, each begun in the stationary distribution."""
        ...

    def belief(self, x_BTD: np.ndarray) -> np.ndarray:
        """[B, T, S]: at each step what is known from the sequence's first step up to and including it."""
        ...

    def log_ratio(self, x: np.ndarray, belief: np.ndarray, k: int) -> np.ndarray:
        """log p(x_{t+k} = x | x_<=t) / q(x_{t+k}), q the marginal: x [..., D], belief [..., S] -> [...] by broadcasting."""
        ...

    def propose(self, belief: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        """[..., S] -> [..., count, D]: independent draws from the marginal q, the stationary marginal unless the process says else."""
        ...

    def information(self, k: int, *, past: int | None = None) -> Result:
        """I(x_{t+k}; x_<=t), or with only the last `past` steps. low and high enclose the truth; they agree for a closed form."""
        ...


def oracle_infonce(process: Process, k: int, N: int, samples: int, rng: np.random.Generator, *, history: int = 64) -> Result:
    """E[log r(x+, c) - log mean_j r(x_j, c)] over N candidates, the positive counted, in nats. A mean over `samples` independent sequences,
    each with `history` steps of past and N - 1 competitors of its own from the process's marginal. detail: k, N, ceiling (log N), history,
    standard_error. Raises CPCError for sizes below 2 candidates."""
    if N < 2 or samples < 2 or k < 1 or history < 1:
        raise CPCError(f"N = {N}, samples = {samples}, k = {k}, history = {history}: at least 2, 2, 1 and 1.")
    values = []
    rows = max(1, _BLOCK // max(N * process.dim, (history + k) * process.dim))
    for start in range(0, samples, rows):
        x_BTD = process.sample(min(rows, samples - start), history + k, rng).x_BTD
        belief_BS = process.belief(x_BTD[:, :history])[:, -1]
        positive_B1D = x_BTD[:, -1:].astype(np.float64)
        candidate_BND = np.concatenate([positive_B1D, process.propose(belief_BS, N - 1, rng)], axis=1)
        ratio_BN = process.log_ratio(candidate_BND, belief_BS[:, None], k)
        values.append(ratio_BN[:, 0] + math.log(N) - np.logaddexp.reduce(ratio_BN, axis=1))
    value_B = np.concatenate(values)
    mean, error = float(value_B.mean()), float(value_B.std(ddof=1)) / samples**0.5
    detail = {"k": k, "N": N, "ceiling": math.log(N), "history": history, "standard_error": error}
    return Result("oracle InfoNCE", mean, "nats", samples, mean - 1.96 * error, mean + 1.96 * error, detail)
