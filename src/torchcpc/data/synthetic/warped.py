"""Any process behind an invertible nonlinearity: ratios and information stay what they were, linear models no longer fit."""

from __future__ import annotations

import numpy as np

from torchcpc.contracts import CPCError, Result
from torchcpc.data.synthetic.process import Process, Sampled


class Warped:
    """y = asinh(Q asinh(bend x)), Q a fixed orthogonal matrix drawn from `seed`: every feature of y mixes all of x.

    The change of volume is the same in numerator and denominator of a ratio, so it cancels. asinh, because its inverse is exact
    and it draws far values in: float32 keeps y well enough to find x again to about 1e-6.
    """

    def __init__(self, process: Process, *, bend: float = 2.0, seed: int = 0) -> None:
        if bend <= 0:
            raise CPCError(f"bend = {bend}: must be positive to be invertible.")
        self.process, self.bend, self.dim = process, bend, process.dim
        self.Q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((self.dim, self.dim)))

    def warp(self, x: np.ndarray) -> np.ndarray:
        return np.arcsinh(np.arcsinh(self.bend * x) @ self.Q.T)

    def unwarp(self, y: np.ndarray) -> np.ndarray:
        return np.sinh(np.sinh(y) @ self.Q) / self.bend

    def sample(self, sequences: int, steps: int, rng: np.random.Generator) -> Sampled:
        x_BTD, group_B = self.process.sample(sequences, steps, rng)
        return Sampled(self.warp(x_BTD.astype(np.float64)).astype(np.float32), group_B)

    def belief(self, x_BTD: np.ndarray) -> np.ndarray:
        return self.process.belief(self.unwarp(x_BTD.astype(np.float64)))

    def log_ratio(self, x: np.ndarray, belief: np.ndarray, k: int) -> np.ndarray:
        return self.process.log_ratio(self.unwarp(x.astype(np.float64)), belief, k)

    def propose(self, belief: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        return self.warp(self.process.propose(belief, count, rng))

    def information(self, k: int, *, past: int | None = None) -> Result:
        return self.process.information(k, past=past)
