"""The interface of a process with known truth, and the InfoNCE of its exact density ratio.

That InfoNCE is what a perfectly trained model reaches, and no model exceeds it.
"""

import math
from typing import NamedTuple, Protocol

import numpy as np

from torchcpc.contracts import CPCError, Result

# Numbers of candidates that exist at once. It bounds the memory and does not change the result.
_BLOCK = 1 << 20


class SampledSequences(NamedTuple):
    """Independent stationary sequences.

    Attributes:
        x_BTD: Steps, float32.
        group_B: Group of each sequence, such as the speaker, int64.
    """

    x_BTD: np.ndarray
    group_B: np.ndarray


class Process(Protocol):
    """A stationary process with exact density ratios, in nats.

    k is the number of steps ahead, at least 1. The past enters through a belief: S numbers that hold everything that x_<=t
    says about the future. Beliefs and candidates are arrays that broadcast against each other. For instance, [M, 1, S]
    against [N, D] scores every candidate in every context.

    Attributes:
        dim: Width D of a step.
    """

    dim: int

    def sample(self, sequences: int, steps: int, rng: np.random.Generator) -> SampledSequences:
        """Sample independent sequences, each begun in the stationary distribution.

        Args:
            sequences: Number of sequences.
            steps: Steps of each.
            rng: Source of randomness.
        """
        ...

    def belief(self, x_BTD: np.ndarray) -> np.ndarray:
        """Return the belief at each step, from the first step of the sequence up to and including it.

        Args:
            x_BTD: Steps.

        Returns:
            Beliefs, [B, T, S].
        """
        ...

    def log_ratio(self, x: np.ndarray, belief: np.ndarray, k: int) -> np.ndarray:
        """Return log p(x_{t+k} = x | x_<=t) / q(x_{t+k}), where q is the marginal distribution.

        Args:
            x: Candidates, [..., D].
            belief: Beliefs, [..., S].
            k: Steps ahead.

        Returns:
            Log ratios in nats, [...] by broadcasting.
        """
        ...

    def propose(self, belief: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw independent candidates from the marginal distribution q.

        It is the stationary one unless the process defines another.

        Args:
            belief: Beliefs, [..., S].
            count: Candidates for each belief.
            rng: Source of randomness.

        Returns:
            Candidates, [..., count, D].
        """
        ...

    def information(self, k: int, *, past: int | None = None) -> Result:
        """Return I(x_{t+k}; x_<=t) in nats.

        `low` and `high` of the result enclose the truth. They are equal for a closed form.

        Args:
            k: Steps ahead.
            past: Number of past steps. None for all.
        """
        ...


def oracle_infonce(process: Process, k: int, N: int, samples: int, rng: np.random.Generator, *, history: int = 64) -> Result:
    """Return the InfoNCE of the exact density ratio r, in nats.

    It is the mean of log r(x+, c) - log mean_j r(x_j, c) over independent sequences. Each sequence has its own candidates
    from the marginal distribution.

    Args:
        process: The process.
        k: Steps ahead.
        N: Number of candidates, including the positive.
        samples: Number of sequences.
        rng: Source of randomness.
        history: Steps of past of each sequence.

    Returns:
        The mean with its interval. `detail` holds k, N, ceiling (log N), history and standard_error.

    Raises:
        CPCError: If there are fewer than 2 candidates or samples, or a size is below 1.
    """
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
