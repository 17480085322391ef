"""A predictable part beside bits that nothing predicts: what a model may drop, and whose information must count as zero."""

from __future__ import annotations

import numpy as np

from torchcpc.contracts import CPCError, Result
from torchcpc.data.synthetic.process import Process, Sampled


class Nuisance:
    """`process` with `bits` fair coins (-1 or 1) appended to every step: log 2 nats of entropy each, and none of information."""

    def __init__(self, process: Process, *, bits: int) -> None:
        if bits < 1:
            raise CPCError(f"bits = {bits}: append at least one, or use the process as it is.")
        self.process, self.bits, self.dim = process, bits, process.dim + bits

    def sample(self, sequences: int, steps: int, rng: np.random.Generator) -> Sampled:
        x_BTD, group_B = self.process.sample(sequences, steps, rng)
        return Sampled(self._append(x_BTD, rng).astype(np.float32), group_B)

    def belief(self, x_BTD: np.ndarray) -> np.ndarray:
        return self.process.belief(x_BTD[..., : self.process.dim])

    def log_ratio(self, x: np.ndarray, belief: np.ndarray, k: int) -> np.ndarray:
        return self.process.log_ratio(x[..., : self.process.dim], belief, k)

    def propose(self, belief: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        return self._append(self.process.propose(belief, count, rng), rng)

    def information(self, k: int, *, past: int | None = None) -> Result:
        return self.process.information(k, past=past)

    def _append(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.concatenate([x, rng.choice([-1.0, 1.0], size=(*x.shape[:-1], self.bits))], axis=-1)
