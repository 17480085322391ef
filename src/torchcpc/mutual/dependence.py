"""Find rows that depend on one another, such as those of a time series.

An estimator of independent draws mistakes such dependence for information.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

from torchcpc.mutual.samples import FEWEST_ROWS

# Rows up to this far apart are compared.
LAGS = 10
# The rate of false alarms for independent rows, on each side.
ALPHA = 1e-3
# The largest squared rank of a column without ties and with standard deviation 1.
_EVEN = 3.1
# If the effective number of rows is above this share of all rows, their dependence does not matter.
ENOUGH = 0.9
# At most this many values are ranked, which takes a second. They are those of the first rows.
_RANKED, _FEWEST = 1 << 22, 5_000
# Relative spread of the gaps between sorted values. It is near 0 for a clock or a counter, and 1 for sorted draws.
_CLOCK = 0.5
# Mean squared difference two rows apart over that of one row apart. It is 1 for independent noise on any slow trend, 2 for a
# random walk, and 4 for a smooth function of the clock.
_NOISE, _SMOOTH = 1.1, 2.5


class RowDependence(NamedTuple):
    """How much rows depend on one another.

    Attributes:
        rows: The number of rows.
        effective: The effective number of independent rows.
        of_x: The correlation of ranks with those of the next row, the largest over the columns of x.
        of_y: The same for y.
    """

    rows: int
    effective: float
    of_x: float
    of_y: float

    def warning(self) -> str:
        """Return a warning that says what this means, and the next step."""
        step = f"use one row in {math.ceil(self.rows / self.effective)}, or" if self.effective >= FEWEST_ROWS else "use"
        return (
            f"the rows depend on one another (correlation with the next row {self.of_x:.2f} in x, {self.of_y:.2f} in y), and are worth "
            f"about {self.effective:,.0f} independent ones: the value may be far too high and the interval does not hold. Of a series, "
            f"{step} the changes from row to row"
        )


def row_dependence(x_ND: np.ndarray, y_NE: np.ndarray) -> RowDependence | None:
    """Measure how much rows depend on earlier rows, in x and y alike.

    Pairs of a series with independent noise count as independent draws. So do rows that were sorted by one of their
    columns.

    Args:
        x_ND: Samples of x.
        y_NE: Samples of y.

    Returns:
        The dependence. None if there is none, or too little to matter.
    """
    n = len(x_ND)
    rows = min(n, max(_FEWEST, _RANKED // (x_ND.shape[1] + y_NE.shape[1])))
    x_ND, y_NE = x_ND[:rows], y_NE[:rows]
    ranks_x, ranks_y = _ranks(x_ND), _ranks(y_NE)
    r_x, r_y = _correlations(ranks_x), _correlations(ranks_y)
    if not (_beyond_chance(r_x, ranks_x) & _beyond_chance(r_y, ranks_y)).any():
        return None
    orders = [(_order(column), other) for side, other in ((x_ND, ranks_y), (y_NE, ranks_x)) for column in side.T]
    if any(order == "sorted" or (order == "clock" and not _beyond_trend(other)) for order, other in orders):
        return None
    effective = n / rows * _effective(ranks_x[:, r_x[0].argmax()], ranks_y[:, r_y[0].argmax()])
    return RowDependence(n, effective, float(r_x[0].max()), float(r_y[0].max())) if effective < ENOUGH * n else None


def _ranks(x_ND: np.ndarray) -> np.ndarray:
    """Return the ranks of each column, with mean 0 and deviation 1. A constant column becomes 0."""
    ranks = stats.rankdata(x_ND, axis=0)
    ranks -= ranks.mean(axis=0)
    return ranks / np.maximum(ranks.std(axis=0), 1e-12)


def _correlations(ranks_ND: np.ndarray) -> np.ndarray:
    """Return the correlation of each column with itself, 1 .. LAGS rows later, [lags, D]."""
    return np.stack([(ranks_ND[lag:] * ranks_ND[:-lag]).mean(axis=0) for lag in range(1, LAGS + 1)])


def _beyond_chance(r_LD: np.ndarray, ranks_ND: np.ndarray) -> np.ndarray:
    """Return for each lag whether any column correlates more than columns of independent rows do, [lags].

    Ranks of continuous values are nearly normal. In a column of few events a single pair of neighbours gives a large
    correlation, so the limit there is Bernstein's.
    """
    rate, n = ALPHA / (2 * r_LD.size), len(ranks_ND)
    rare_D = np.maximum(np.square(ranks_ND).max(axis=0) - _EVEN, 0) / math.sqrt(n) * math.log(1 / rate) / 3
    limit_D = rare_D + np.sqrt(rare_D**2 + stats.norm.isf(rate) ** 2)
    return (np.abs(r_LD) * math.sqrt(n) > limit_D).any(axis=1)


def _order(column_N: np.ndarray) -> str:
    """Return the order of the rows by this column: "sorted", "clock" or "".

    "sorted" rows are sorted by the column, or come in blocks of its values. In "clock" order the column rises evenly.
    """
    gaps = np.diff(column_N)
    if (gaps >= 0).all() or (gaps <= 0).all():
        return "clock" if gaps.std() < _CLOCK * abs(gaps.mean()) else "sorted"
    values = len(np.unique(column_N))
    return "sorted" if values < len(column_N) / 2 and (gaps != 0).sum() == values - 1 else ""


def _beyond_trend(ranks_ND: np.ndarray) -> bool:
    """Return whether any column depends on the previous row beyond a slow trend."""
    one, two = (((ranks_ND[lag:] - ranks_ND[:-lag]) ** 2).mean(axis=0) for lag in (1, 2))
    ratio = two / np.maximum(one, 1e-12)
    chance = stats.norm.isf(ALPHA / len(ratio)) * math.sqrt(2 / len(ranks_ND))
    return bool(((ratio > max(_NOISE, 1 + chance)) & (ratio < _SMOOTH)).any())


def _effective(x_N: np.ndarray, y_N: np.ndarray) -> float:
    """Return the effective number of independent rows (Bartlett 1935).

    So many independent rows give a correlation of x and y the same variance. It is n / (1 + 2 sum of the products of
    autocorrelations). The sum ends at the first lag where the product is no longer positive.
    """
    product = _autocorrelation(x_N) * _autocorrelation(y_N)
    end = int((product[1:] <= 0).argmax()) or len(product) - 1
    return max(1.0, len(x_N) / (1 + 2 * float(product[1 : end + 1].sum())))


def _autocorrelation(x_N: np.ndarray) -> np.ndarray:
    """Return the autocorrelation at lags 0 .. n/2."""
    n = len(x_N)
    spectrum = np.fft.rfft(x_N, 2 * n)
    return np.fft.irfft(np.abs(spectrum) ** 2)[: n // 2] / n
