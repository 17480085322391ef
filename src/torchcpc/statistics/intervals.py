"""95 % intervals over training seeds, label draws and test sources: of an accuracy, of any statistic of sums, of a paired difference.

The rows of one recording share its speaker and its microphone. So the source, not the row, counts as a draw from the world, and a
model counts as one draw of its seed. The hierarchical (crossed) bootstrap resamples every axis that has more than one entry: each
replicate axis (seeds, label draws) and the sources. The interval is bounded by percentiles of the resampled statistic.

A plain bootstrap over n entries is too narrow by sqrt((n-1)/n), and knows nothing of Student's t: with three seeds it covers
about 80 % instead of 95 %. So the deviation of each axis's weights from 1 is stretched by sqrt(n/(n-1)) * t_{n-1}/z, the
"expanded" percentile interval (T. Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69,
2015). For a mean over a single axis this gives the t interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from scipy import special

from torchcpc.contracts import CPCError
from torchcpc.results import Interval

LEVEL = 0.95


class Estimate(Protocol):
    """Counts by replicate and source, and the statistic that is made of them.

    mean: the statistic of all sources, mean over the replicates; test_rows: what two estimates of the same test rows have in common;
    resampled: the statistic in each resample, [resamples]. The resamples depend on `seed` and the sizes only, so that two sets of
    answers to the same questions meet the same ones.
    """

    @property
    def mean(self) -> float: ...
    @property
    def test_rows(self) -> np.ndarray: ...
    def resampled(self, *, resamples: int, seed: int) -> np.ndarray: ...


@dataclass(frozen=True, slots=True)
class Hits:
    """Correct answers by replicate and source: hits_RS (any number of replicate axes, sources last) out of rows_S a source."""

    hits_RS: np.ndarray
    rows_S: np.ndarray

    @classmethod
    def of(cls, correct_RM: np.ndarray, source_M: np.ndarray) -> Hits:
        """From correct_RM [..., M], true where test row m was answered correctly in that replicate."""
        if correct_RM.shape[-1:] != source_M.shape or source_M.size == 0:
            raise CPCError(
                f"answers {correct_RM.shape} for {source_M.size} test rows: give one answer a row, and at least one row."
            )
        sources, place_M = np.unique(source_M, return_inverse=True)
        # Counted in flat places and not by a matrix of rows x sources, for every sentence of ten thousand can be a source.
        flat_RM = correct_RM.reshape(-1, place_M.size)
        place_RM = place_M + len(sources) * np.arange(len(flat_RM))[:, None]
        hits = np.bincount(place_RM.ravel(), flat_RM.ravel(), minlength=len(flat_RM) * len(sources))
        return cls(hits.reshape(*correct_RM.shape[:-1], -1), np.bincount(place_M).astype(np.float64))

    @property
    def mean(self) -> float:
        """Share of all rows answered correctly, over all replicates."""
        return float(self.hits_RS.mean(axis=tuple(range(self.hits_RS.ndim - 1))).sum() / self.rows_S.sum())

    @property
    def test_rows(self) -> np.ndarray:
        return self.rows_S

    def resampled(self, *, resamples: int, seed: int) -> np.ndarray:
        weight_QR, weight_QS = crossed_weights(*self.hits_RS.shape, resamples=resamples, seed=seed)
        hits_Q = np.einsum("qs,qs->q", weight_QS, weight_QR @ self.hits_RS.reshape(-1, len(self.rows_S)))
        return hits_Q / (weight_QS @ self.rows_S)


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic of sums over sources, such as F1 of F counts: of([F]) -> float, sums_RSF by replicate and source."""

    sums_RSF: np.ndarray
    of: Callable[[np.ndarray], float]

    @property
    def mean(self) -> float:
        return float(np.mean([self.of(sums_F) for sums_F in self.sums_RSF.sum(axis=1)]))

    @property
    def test_rows(self) -> np.ndarray:
        return np.arange(self.sums_RSF.shape[1])

    def resampled(self, *, resamples: int, seed: int) -> np.ndarray:
        weight_QR, weight_QS = crossed_weights(*self.sums_RSF.shape[:2], resamples=resamples, seed=seed)
        drawn_QRF = np.einsum("qs,rsf->qrf", weight_QS, self.sums_RSF.astype(np.float64))
        value_QR = np.array([[self.of(sums_F) for sums_F in drawn_RF] for drawn_RF in drawn_QRF])
        return (weight_QR * value_QR).sum(axis=1)


def interval(estimate: Estimate, *, least: float = 0.0, most: float = 1.0, resamples: int = 2000, seed: int = 0) -> Interval:
    """The statistic and its interval, within `least` and `most`. An axis with a single entry is not resampled."""
    low, high = percentiles(estimate.resampled(resamples=resamples, seed=seed))
    return Interval(estimate.mean, max(low, least), min(high, most))


def accuracy_interval(hits: Hits, *, resamples: int = 2000, seed: int = 0) -> Interval:
    """The accuracy and its interval, within 0 and 1. With one seed and one source the interval is a point and says nothing of either."""
    if (share := hits.mean) in (0.0, 1.0):
        # Nothing varies, so the bootstrap sees no doubt at all: take the exact binomial bound with one trial a source.
        reach = 1 - ((1 - LEVEL) / 2) ** (1 / len(hits.rows_S))
        return Interval(share, 1 - reach, 1.0) if share else Interval(share, 0.0, reach)
    return interval(hits, resamples=resamples, seed=seed)


def mean_interval(sum_S: np.ndarray, rows_S: np.ndarray, *, resamples: int = 2000, seed: int = 0) -> Interval:
    """The mean of any quantity over all rows, given its sum and its number of rows by source, in the quantity's unit. With one
    source the interval is NaN: nothing is known of the spread between sources. Raises CPCError for no row."""
    if not rows_S.sum():
        raise CPCError("a mean over no rows: name sources that are long enough.")
    hits = Hits(sum_S.astype(np.float64), rows_S.astype(np.float64))
    if len(rows_S) == 1:
        return Interval(hits.mean, float("nan"), float("nan"))
    return interval(hits, least=-np.inf, most=np.inf, resamples=resamples, seed=seed)


def statistic_interval(
    sums_RSF: np.ndarray, statistic: Callable[[np.ndarray], float], *, resamples: int = 1000, seed: int = 0
) -> Interval:
    """The mean over replicates R of a statistic of sums over sources S, and its interval: see `Statistic`."""
    return interval(Statistic(sums_RSF, statistic), least=-np.inf, most=np.inf, resamples=resamples, seed=seed)


def difference_interval(one: Estimate, other: Estimate, *, resamples: int = 2000, seed: int = 0) -> Interval:
    """`one` less `other` on the same test rows, both shares, with the interval of the difference, paired.

    Both meet the same resampled sources, and the same resampled seeds (draws) where they have equally many. Raises CPCError for
    different test rows.
    """
    if not np.array_equal(one.test_rows, other.test_rows):
        raise CPCError(
            f"a paired difference needs the same test rows: {len(one.test_rows)} sources with {one.test_rows.sum():.0f} rows against "
            f"{len(other.test_rows)} with {other.test_rows.sum():.0f}; probe both kinds of features on one task."
        )
    one_Q, other_Q = (side.resampled(resamples=resamples, seed=seed) for side in (one, other))
    low, high = percentiles(one_Q - other_Q)
    return Interval(one.mean - other.mean, max(low, -1.0), min(high, 1.0))


def crossed_weights(*counts: int, resamples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The weights of every axis in each resample, of which the last is that of the sources.

    Returns weight_QR of all replicate axes as one, 1 / R on average, and weight_QS of the sources, 1 on average.
    """
    *replicates, sources = counts
    weight_QR = np.ones((resamples, 1))
    for axis, count in enumerate(replicates, start=1):
        axis_QR = weights(count, axis=axis, resamples=resamples, seed=seed) / count
        weight_QR = (weight_QR[:, :, None] * axis_QR[:, None, :]).reshape(resamples, -1)
    return weight_QR, weights(sources, axis=0, resamples=resamples, seed=seed)


@lru_cache(maxsize=4)
def weights(count: int, *, axis: int, resamples: int, level: float = LEVEL, seed: int = 0) -> np.ndarray:
    """How much each of `count` entries weighs in each resample, 1 on average, stretched as the module says: [resamples,
    count]. Kept and not to be written to: every interval of a table asks for the same, and ten thousand sources take seconds."""
    if count == 1:
        return np.ones((resamples, 1))
    drawn = np.random.default_rng([seed, axis, count]).multinomial(count, np.full(count, 1 / count), size=resamples)
    tail = 0.5 + level / 2
    stretch = np.sqrt(count / (count - 1)) * special.stdtrit(count - 1, tail) / special.ndtri(tail)
    made = 1 + stretch * (drawn - 1)
    made.flags.writeable = False
    return made


def percentiles(value_Q: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """The ends of the central `level` of the values."""
    low, high = np.quantile(value_Q, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)
