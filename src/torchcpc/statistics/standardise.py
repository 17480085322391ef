"""Columns brought to mean 0 and deviation 1, and the one rule for columns that do not vary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike


def is_constant(mean_D: np.ndarray, deviation_D: np.ndarray, *, relative: float = 1e-6, absolute: float = 1e-18) -> np.ndarray:
    """Whether a column does not vary: its deviation is at most `relative` times its mean, or at most `absolute`. Such a spread is
    rounding. Dividing by it would make noise of unit size."""
    return deviation_D <= np.maximum(relative * np.abs(mean_D), absolute)


@dataclass(frozen=True, slots=True)
class Scale:
    """Each column less its mean and over its standard deviation, in the precision of the two."""

    mean_D: np.ndarray
    scale_D: np.ndarray

    @classmethod
    def of(cls, x_MD: np.ndarray, **limits: float) -> Scale:
        """The scale of these rows, in float64. limits: see `from_moments`."""
        return cls.from_moments(x_MD.mean(axis=0, dtype=np.float64), x_MD.std(axis=0, dtype=np.float64), **limits)

    @classmethod
    def from_moments(cls, mean_D: np.ndarray, deviation_D: np.ndarray, *, constant: float = np.inf, **limits: float) -> Scale:
        """constant: what a column that does not vary is divided by; by infinity it becomes 0. limits: of `is_constant`."""
        still_D = is_constant(mean_D, deviation_D, **limits)
        return cls(mean_D, np.where(still_D, deviation_D.dtype.type(constant), deviation_D))

    def astype(self, dtype: DTypeLike) -> Scale:
        """The same in another precision."""
        return Scale(self.mean_D.astype(dtype), self.scale_D.astype(dtype))

    def __call__(self, x_MD: np.ndarray) -> np.ndarray:
        return ((x_MD - self.mean_D) / self.scale_D).astype(self.mean_D.dtype, copy=False)
