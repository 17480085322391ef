"""Scale columns to mean 0 and standard deviation 1, with one rule for columns that do not vary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike


def is_constant(mean_D: np.ndarray, deviation_D: np.ndarray, *, relative: float = 1e-6, absolute: float = 1e-18) -> np.ndarray:
    """Return whether each column does not vary.

    Its deviation is then at most `relative` times its mean, or at most `absolute`. Such a spread is rounding, and
    dividing by it would blow up noise to unit size.
    """
    return deviation_D <= np.maximum(relative * np.abs(mean_D), absolute)


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale that subtracts the mean of each column and divides by its standard deviation.

    Attributes:
        mean_D: The mean of each column.
        scale_D: The divisor of each column. Its precision is that of the result.
    """

    mean_D: np.ndarray
    scale_D: np.ndarray

    @classmethod
    def of(cls, x_MD: np.ndarray, **limits: float) -> Scale:
        """Return the scale of these rows, in float64. `limits` are those of `from_moments`."""
        return cls.from_moments(x_MD.mean(axis=0, dtype=np.float64), x_MD.std(axis=0, dtype=np.float64), **limits)

    @classmethod
    def from_moments(cls, mean_D: np.ndarray, deviation_D: np.ndarray, *, constant: float = np.inf, **limits: float) -> Scale:
        """Return the scale for given means and deviations.

        Args:
            mean_D: The mean of each column.
            deviation_D: The standard deviation of each column.
            constant: The divisor of a column that does not vary. Infinity makes it 0.
            **limits: Limits of `is_constant`.
        """
        still_D = is_constant(mean_D, deviation_D, **limits)
        return cls(mean_D, np.where(still_D, deviation_D.dtype.type(constant), deviation_D))

    def astype(self, dtype: DTypeLike) -> Scale:
        """Return the same scale in another precision."""
        return Scale(self.mean_D.astype(dtype), self.scale_D.astype(dtype))

    def __call__(self, x_MD: np.ndarray) -> np.ndarray:
        """Return the scaled rows."""
        return ((x_MD - self.mean_D) / self.scale_D).astype(self.mean_D.dtype, copy=False)
