"""95 % intervals over training seeds, label draws and test sources: of an accuracy, of any statistic of sums, of a paired difference.

The rows of one recording share its speaker and its microphone, so the source, not the row, counts as a draw from the world, and a model
as one draw of its seed. The hierarchical (crossed) bootstrap resamples every replicate axis (seeds, label draws) and the sources.

A plain bootstrap over n entries is too narrow by sqrt((n-1)/n), and knows nothing of Student's t: with three seeds it covers
about 80 % instead of 95 %. So the deviation of each axis's weights from 1 is stretched by sqrt(n/(n-1)) * t_{n-1}/z, the
"expanded" percentile interval (T. Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69,
2015). For a mean over a single axis this gives the t interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special
from scipy.sparse import csr_matrix

from torchcpc.contracts import CPCError
from torchcpc.results import Interval

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Hits:
    """Correct answers by replicate and source: hits_RS (any number of replicate axes, sources last) out of rows_S a source."""

    hits_RS: np.ndarray
    rows_S: np.ndarray

    @classmethod
    def of(cls, correct_RM: np.ndarray, source_M: np.ndarray) -> Hits:
        """From correct_RM [..., M], true where test row m was answered correctly in that replicate."""
        if correct_RM.shape[-1:] != source_M.shape or not source_M.size:
            raise CPCError(f"answers {correct_RM.shape} for {source_M.size} test rows: give one a row, and at least one row.")
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
        """What two estimates of the same test rows have in common."""
        return self.rows_S

    def resampled(self, *, resamples: int, seed: int) -> np.ndarray:
        """The accuracy in each resample: [resamples]. The resamples depend on `seed` and the sizes only, so that they are paired."""
        weight_QR, weight_QS = crossed_weights(*self.hits_RS.shape, resamples=resamples, seed=seed)
        hits_Q = np.einsum("qs,qs->q", weight_QS, weight_QR @ self.hits_RS.reshape(-1, len(self.rows_S)))
        return hits_Q / (weight_QS @ self.rows_S)


@dataclass(frozen=True, slots=True)
class Confusions:
    """Counts by replicate, source and class of the test: true positives, predictions and, by source and class, rows. Their mean is
    macro-F1, the plain mean over the classes of the test of 2 TP / (2 TP + FP + FN), which shows what a common class hides."""

    true_RSC: np.ndarray
    predicted_RSC: np.ndarray
    actual_SC: np.ndarray

    @classmethod
    def of(cls, predicted_RM: np.ndarray, y_M: np.ndarray, source_M: np.ndarray) -> Confusions:
        """From the class predicted for every test row in every replicate (seed). Classes without a test row have no recall."""
        if predicted_RM.shape[1:] != y_M.shape or y_M.shape != source_M.shape or not y_M.size:
            raise CPCError(f"predictions {predicted_RM.shape} for {y_M.size} test rows: give one a row, and at least one row.")
        sources, place_M = np.unique(source_M, return_inverse=True)
        # Sparse, for every sentence of ten thousand can be a source.
        member_SM = csr_matrix((np.ones(len(y_M)), (place_M, np.arange(len(y_M)))), shape=(len(sources), len(y_M)))
        classes = np.unique(y_M)
        actual_MC = (y_M[:, None] == classes).astype(np.float64)
        predicted_RMC = (predicted_RM[..., None] == classes).astype(np.float64)
        true_RSC = np.stack([member_SM @ true_MC for true_MC in predicted_RMC * actual_MC])
        predicted_RSC = np.stack([member_SM @ predicted_MC for predicted_MC in predicted_RMC])
        return cls(true_RSC, predicted_RSC, member_SM @ actual_MC)

    @property
    def per_class(self) -> np.ndarray:
        """F1 of each class of the test, mean over replicates: [C]."""
        return _f1(self.true_RSC.sum(1), self.predicted_RSC.sum(1), self.actual_SC.sum(0)).mean(axis=0)

    @property
    def mean(self) -> float:
        return float(self.per_class.mean())

    @property
    def test_rows(self) -> np.ndarray:
        return self.actual_SC

    def resampled(self, *, resamples: int, seed: int) -> np.ndarray:
        """Macro-F1 in each resample: [resamples]; resamples are those of `Hits` with as many replicates and sources."""
        weight_QR, weight_QS = crossed_weights(*self.true_RSC.shape[:2], resamples=resamples, seed=seed)
        # Stretched weights of few sources can be negative, counts cannot.
        true_QRC, predicted_QRC = (np.tensordot(weight_QS, n, (1, 1)).clip(0) for n in (self.true_RSC, self.predicted_RSC))
        actual_QC = (weight_QS @ self.actual_SC).clip(0)
        f1_QRC = _f1(true_QRC, predicted_QRC, actual_QC[:, None])
        # A resample that misses a class altogether says nothing of it.
        met_Q1C = (actual_QC > 0)[:, None]
        macro_QR = (f1_QRC * met_Q1C).sum(axis=2) / np.maximum(met_Q1C.sum(axis=2), 1)
        return (weight_QR * macro_QR).sum(axis=1)


def interval(
    estimate: Hits | Confusions, *, least: float = 0.0, most: float = 1.0, resamples: int = 2000, seed: int = 0
) -> Interval:
    """The statistic and its interval, within `least` and `most`. Replicates of which there is one are not resampled. With one source
    the interval is NaN: nothing is known of the spread between sources."""
    if len(estimate.test_rows) == 1:
        return Interval(estimate.mean, math.nan, math.nan)
    low, high = percentiles(estimate.resampled(resamples=resamples, seed=seed))
    return Interval(estimate.mean, max(low, least), min(high, most))


def accuracy_interval(hits: Hits, *, resamples: int = 2000, seed: int = 0) -> Interval:
    """The accuracy and its interval, within 0 and 1; NaN with one source."""
    if (share := hits.mean) in (0.0, 1.0) and len(hits.rows_S) > 1:
        # Nothing varies, so the bootstrap sees no doubt at all: take the exact binomial bound with one trial a source.
        reach = 1 - ((1 - LEVEL) / 2) ** (1 / len(hits.rows_S))
        return Interval(share, 1 - reach, 1.0) if share else Interval(share, 0.0, reach)
    return interval(hits, resamples=resamples, seed=seed)


def mean_interval(sum_S: np.ndarray, rows_S: np.ndarray, *, resamples: int = 2000) -> Interval:
    """The mean of any quantity over all rows, from its sum and number of rows by source. Raises CPCError for no row. With one source
    the interval is NaN: nothing is known of the spread between sources."""
    if not rows_S.sum():
        raise CPCError("a mean over no rows: name sources that are long enough.")
    hits = Hits(sum_S.astype(np.float64), rows_S.astype(np.float64))
    return interval(hits, least=-np.inf, most=np.inf, resamples=resamples)


def statistic_interval(sums_RSF: np.ndarray, statistic: Callable[[np.ndarray], float], *, resamples: int = 1000) -> Interval:
    """The mean over replicates R of a statistic of F sums over sources S, such as F1 of counts, and its interval."""
    weight_QR, weight_QS = crossed_weights(*sums_RSF.shape[:2], resamples=resamples, seed=0)
    drawn_QRF = np.einsum("qs,rsf->qrf", weight_QS, sums_RSF.astype(np.float64))
    value_QR = np.array([[statistic(sums_F) for sums_F in drawn_RF] for drawn_RF in drawn_QRF])
    mean = float(np.mean([statistic(sums_F) for sums_F in sums_RSF.sum(axis=1)]))
    return Interval(mean, *percentiles((weight_QR * value_QR).sum(axis=1)))


def difference_interval(one: Hits | Confusions, other: Hits | Confusions, *, resamples: int = 2000, seed: int = 0) -> Interval:
    """`one` less `other` on the same test rows, both shares, with the interval of the difference. Raises CPCError for other test
    rows. Both meet the same resampled sources, and the same resampled seeds (draws) where they have equally many."""
    if not np.array_equal(one.test_rows, other.test_rows):
        raise CPCError(
            f"a paired difference needs the same test rows: {len(one.test_rows)} sources with {one.test_rows.sum():.0f} rows against "
            f"{len(other.test_rows)} with {other.test_rows.sum():.0f}; probe both kinds of features on one task."
        )
    if len(one.test_rows) == 1:
        return Interval(one.mean - other.mean, math.nan, math.nan)
    one_Q, other_Q = (side.resampled(resamples=resamples, seed=seed) for side in (one, other))
    low, high = percentiles(one_Q - other_Q)
    return Interval(one.mean - other.mean, max(low, -1.0), min(high, 1.0))


def crossed_weights(*counts: int, resamples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The weights in each resample: of all replicate axes as one, 1 / R on average, and of the sources (the last axis), 1 on average."""
    *replicates, sources = counts
    weight_QR = np.ones((resamples, 1))
    for axis, count in enumerate(replicates, start=1):
        axis_QR = weights(count, axis=axis, resamples=resamples, seed=seed) / count
        weight_QR = (weight_QR[:, :, None] * axis_QR[:, None, :]).reshape(resamples, -1)
    return weight_QR, weights(sources, axis=0, resamples=resamples, seed=seed)


@lru_cache(maxsize=4)
def weights(count: int, *, axis: int, resamples: int, seed: int = 0) -> np.ndarray:
    """How much each of `count` entries weighs in each resample, 1 on average, stretched as the module says: [resamples, count]. Kept
    and not to be written to: every interval of a table asks for the same, and ten thousand sources take seconds."""
    if count == 1:
        return np.ones((resamples, 1))
    drawn = np.random.default_rng([seed, axis, count]).multinomial(count, np.full(count, 1 / count), size=resamples)
    tail = 0.5 + LEVEL / 2
    stretch = np.sqrt(count / (count - 1)) * special.stdtrit(count - 1, tail) / special.ndtri(tail)
    made = 1 + stretch * (drawn - 1)
    made.flags.writeable = False
    return made


def percentiles(value_Q: np.ndarray) -> tuple[float, float]:
    """The ends of the central 95 % of the values."""
    low, high = np.quantile(value_Q, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return float(low), float(high)


def _f1(true: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> np.ndarray:
    both = predicted + actual
    return np.divide(2 * true, both, out=np.zeros_like(true), where=both > 0).clip(0, 1)
