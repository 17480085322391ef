"""Processes derived from others: with unpredictable coins, behind a nonlinearity, or spoken by constant voices."""

import math
from abc import ABC, abstractmethod
from typing import Literal

import numpy as np

from torchcpc.contracts import CPCError, Result
from torchcpc.data.synthetic.hidden_markov import markov_chain, symmetric
from torchcpc.data.synthetic.process import Process, SampledSequences


class Derived(ABC):
    """A process that shows the steps of another process in an invertible form.

    Ratios and information are therefore those of the other process.

    Args:
        process: The other process.
        dim: Width of a step.
    """

    def __init__(self, process: Process, dim: int) -> None:
        self.process, self.dim = process, dim

    @abstractmethod
    def show(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Turn steps of `process` into steps of this one.

        Args:
            x: Steps of `process`.
            rng: Source of randomness.
        """

    @abstractmethod
    def undo(self, y: np.ndarray) -> np.ndarray:
        """Turn steps of this process back into steps of `process`.

        Args:
            y: Steps of this process.
        """

    def sample(self, sequences: int, steps: int, rng: np.random.Generator) -> SampledSequences:
        """Sample independent sequences. See `Process.sample`."""
        x_BTD, group_B = self.process.sample(sequences, steps, rng)
        return SampledSequences(self.show(x_BTD.astype(np.float64), rng).astype(np.float32), group_B)

    def belief(self, x_BTD: np.ndarray) -> np.ndarray:
        """Return the belief at each step. See `Process.belief`."""
        return self.process.belief(self.undo(x_BTD.astype(np.float64)))

    def log_ratio(self, x: np.ndarray, belief: np.ndarray, k: int) -> np.ndarray:
        """Return the log density ratio of candidates. See `Process.log_ratio`."""
        return self.process.log_ratio(self.undo(x.astype(np.float64)), belief, k)

    def propose(self, belief: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw candidates from the marginal distribution. See `Process.propose`."""
        return self.show(self.process.propose(belief, count, rng), rng)

    def information(self, k: int, *, past: int | None = None) -> Result:
        """Return the information between past and future. See `Process.information`."""
        return self.process.information(k, past=past)


class Nuisance(Derived):
    """A process with fair coins (-1 or 1) appended to every step.

    Each coin has log 2 nats of entropy and no information.

    Args:
        process: The process.
        bits: Number of coins.
    """

    def __init__(self, process: Process, *, bits: int) -> None:
        if bits < 1:
            raise CPCError(f"bits = {bits}: append at least one, or use the process as it is.")
        super().__init__(process, process.dim + bits)
        self.bits = bits

    def show(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Append random coins to steps."""
        return np.concatenate([x, rng.choice([-1.0, 1.0], size=(*x.shape[:-1], self.bits))], axis=-1)

    def undo(self, y: np.ndarray) -> np.ndarray:
        """Remove the coins from steps."""
        return y[..., : self.process.dim]


class Warped(Derived):
    """A process behind a nonlinearity: y = asinh(Q asinh(2 x)), with a fixed random orthogonal matrix Q.

    Every feature of y mixes all of x, so linear models no longer fit. The change of volume is the same in numerator and
    denominator of a ratio, and cancels. asinh has an exact inverse and pulls in distant values: float32 keeps y precisely
    enough to recover x to about 1e-6.

    Args:
        process: The process.
    """

    def __init__(self, process: Process) -> None:
        super().__init__(process, process.dim)
        self.Q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((self.dim, self.dim)))

    def show(self, x: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """Apply the nonlinearity to steps."""
        return np.arcsinh(np.arcsinh(2.0 * x) @ self.Q.T)

    def undo(self, y: np.ndarray) -> np.ndarray:
        """Invert the nonlinearity."""
        return np.sinh(np.sinh(y) @ self.Q) / 2.0


class Speakers:
    """Sequences of one speaker each, who walks a symmetric chain of phones.

    A step is a one-hot speaker and a one-hot phone. This is the smallest process in which the marginal distribution decides
    what is estimated. For 4 x 4 and flip 0.3, the information is 1.832 nats with "mixed" and 0.446 nats with "same_group".
    The difference is log `speakers`. The belief is the speaker, then the phone, both one-hot. A candidate of another
    speaker has ratio 0, and "same_group" never draws one.

    Args:
        speakers: Number of speakers.
        phones: Number of phones.
        flip: Probability of leaving a phone.
        marginal: Marginal distribution of candidates. "mixed" draws from all speakers and gives I(x; past). "same_group"
            draws from the same speaker and gives I(x; past | speaker).
    """

    def __init__(
        self, *, speakers: int = 4, phones: int = 4, flip: float = 0.3, marginal: Literal["mixed", "same_group"] = "mixed"
    ) -> None:
        if speakers < 1 or marginal not in ("mixed", "same_group"):
            raise CPCError(f"speakers = {speakers}, marginal = {marginal!r}: at least 1, and 'mixed' or 'same_group'.")
        self.speakers, self.marginal, self.dim = speakers, marginal, speakers + phones
        self.chain = markov_chain(symmetric(phones, flip))
        self._gain = math.log(speakers) if marginal == "mixed" else 0.0

    def sample(self, sequences: int, steps: int, rng: np.random.Generator) -> SampledSequences:
        """Sample sequences of one speaker each. See `Process.sample`."""
        group_B = rng.integers(self.speakers, size=sequences)
        voice_BTV = np.broadcast_to(np.eye(self.speakers)[group_B][:, None], (sequences, steps, self.speakers))
        phone_BTP = self.chain.sample(sequences, steps, rng).x_BTD
        return SampledSequences(np.concatenate([voice_BTV, phone_BTP], axis=2, dtype=np.float32), group_B)

    def belief(self, x_BTD: np.ndarray) -> np.ndarray:
        """Return the belief at each step. See `Process.belief`."""
        voice_BTV = np.eye(self.speakers)[self._speaker(x_BTD)]
        return np.concatenate([voice_BTV, self.chain.belief(x_BTD[..., self.speakers :])], axis=-1)

    def log_ratio(self, x: np.ndarray, belief: np.ndarray, k: int) -> np.ndarray:
        """Return the log density ratio of candidates. See `Process.log_ratio`."""
        phone = self.chain.log_ratio(x[..., self.speakers :], belief[..., self.speakers :], k)
        return np.where(self._speaker(x) == self._speaker(belief), phone + self._gain, -np.inf)

    def propose(self, belief: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw candidates from the marginal distribution. See `Process.propose`."""
        shape = (*belief.shape[:-1], count)
        voice = rng.integers(self.speakers, size=shape)
        if self.marginal == "same_group":
            voice = np.broadcast_to(self._speaker(belief)[..., None], shape)
        return np.concatenate([np.eye(self.speakers)[voice], self.chain.propose(belief, count, rng)], axis=-1)

    def information(self, k: int, *, past: int | None = None) -> Result:
        """Return the information between past and future. See `Process.information`."""
        value = self.chain.information(k, past=past).value + self._gain
        return Result("information", value, "nats", 0, value, value, {"k": k, "past": past, "marginal": self.marginal})

    def _speaker(self, x: np.ndarray) -> np.ndarray:
        return x[..., : self.speakers].argmax(-1)
