"""Rows that depend on one another, such as those of a time series: to an estimator of independent draws they look like information."""

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

from torchcpc.mutual.samples import FEWEST_ROWS

# Neighbours up to so many rows apart are compared.
LAGS = 10
# Rate of false alarms for independent rows, on each side.
ALPHA = 1e-3
# Largest squared rank of a column without ties, whose deviation is 1.
_EVEN = 3.1
# Share of independent rows that all rows are worth, above which their dependence does not matter.
ENOUGH = 0.9
# Values that are ranked at most: the first rows, a second of work.
_RANKED, _FEWEST = 1 << 22, 5_000
# Relative spread of the gaps between sorted values: near 0 for a clock or a counter, 1 for draws that were sorted.
_CLOCK = 0.5
# Mean squared differences two rows apart, in those of one row apart: 1 for independent noise on any slow trend, 2 for a random walk, 4
# for a smooth function of the clock.
_NOISE, _SMOOTH = 1.1, 2.5


class RowDependence(NamedTuple):
    """rows: how many there are; effective: how many independent ones they are worth; of_x, of_y: correlation of ranks with those of the
    next row, the largest of the columns."""

    rows: int
    effective: float
    of_x: float
    of_y: float

    def warning(self) -> str:
        """What it means, and the next step."""
        step = f"use one row in {math.ceil(self.rows / self.effective)}, or" if self.effective >= FEWEST_ROWS else "use"
        return (
            f"the rows depend on one another (correlation with the next row {self.of_x:.2f} in x, {self.of_y:.2f} in y), and are worth "
            f"about {self.effective:,.0f} independent ones: the value may be far too high and the interval does not hold. Of a series, "
            f"{step} the changes from row to row"
        )


def row_dependence(x_ND: np.ndarray, y_NE: np.ndarray) -> RowDependence | None:
    """How far rows depend on those before them, in x and y alike; None where they do not, or too little to matter. Pairs of a series with
    independent noise are independent draws in effect. So are rows that were sorted by one of their columns, whatever depends on it."""
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
    """Ranks of each column, of mean 0 and deviation 1; 0 where a column is constant."""
    ranks = stats.rankdata(x_ND, axis=0)
    ranks -= ranks.mean(axis=0)
    return ranks / np.maximum(ranks.std(axis=0), 1e-12)


def _correlations(ranks_ND: np.ndarray) -> np.ndarray:
    """[lags, D] of each column with itself, 1 .. LAGS rows on."""
    return np.stack([(ranks_ND[lag:] * ranks_ND[:-lag]).mean(axis=0) for lag in range(1, LAGS + 1)])


def _beyond_chance(r_LD: np.ndarray, ranks_ND: np.ndarray) -> np.ndarray:
    """[lags] whether any column correlates more than columns of independent rows do. Ranks of continuous values are nearly normal; in a
    column of a few events a single pair of neighbours is a large correlation, for which the limit is Bernstein's."""
    rate, n = ALPHA / (2 * r_LD.size), len(ranks_ND)
    rare_D = np.maximum(np.square(ranks_ND).max(axis=0) - _EVEN, 0) / math.sqrt(n) * math.log(1 / rate) / 3
    limit_D = rare_D + np.sqrt(rare_D**2 + stats.norm.isf(rate) ** 2)
    return (np.abs(r_LD) * math.sqrt(n) > limit_D).any(axis=1)


def _order(column_N: np.ndarray) -> str:
    """What the rows are in the order of: "sorted" by this column or in blocks of its values, a "clock" that this column is, or neither."""
    gaps = np.diff(column_N)
    if (gaps >= 0).all() or (gaps <= 0).all():
        return "clock" if gaps.std() < _CLOCK * abs(gaps.mean()) else "sorted"
    values = len(np.unique(column_N))
    return "sorted" if values < len(column_N) / 2 and (gaps != 0).sum() == values - 1 else ""


def _beyond_trend(ranks_ND: np.ndarray) -> bool:
    """Whether any column depends on the row before beyond a slow trend."""
    one, two = (((ranks_ND[lag:] - ranks_ND[:-lag]) ** 2).mean(axis=0) for lag in (1, 2))
    ratio = two / np.maximum(one, 1e-12)
    chance = stats.norm.isf(ALPHA / len(ratio)) * math.sqrt(2 / len(ranks_ND))
    return bool(((ratio > max(_NOISE, 1 + chance)) & (ratio < _SMOOTH)).any())


def _effective(x_N: np.ndarray, y_N: np.ndarray) -> float:
    """Independent rows that give a correlation of x and y the same variance (Bartlett 1935): n / (1 + 2 sum of the products of
    autocorrelations), up to the first lag at which the product is no longer positive."""
    product = _autocorrelation(x_N) * _autocorrelation(y_N)
    end = int((product[1:] <= 0).argmax()) or len(product) - 1
    return max(1.0, len(x_N) / (1 + 2 * float(product[1 : end + 1].sum())))


def _autocorrelation(x_N: np.ndarray) -> np.ndarray:
    n = len(x_N)
    spectrum = np.fft.rfft(x_N, 2 * n)
    return np.fft.irfft(np.abs(spectrum) ** 2)[: n // 2] / n
