"""95 % intervals over test units, training seeds and label draws: of a share, of any statistic of sums, of a paired difference.

The rows of one speaker share that speaker. So a unit (speaker, recording), and not a row, counts as a draw from the world, and a model
as a draw of its seed. The error comes from the jackknife: the statistic without each unit in turn, and without each seed in turn. The
variances of both axes add up. Student's t with Satterthwaite's degrees of freedom makes it an interval, on the scale of log odds
where the statistic has bounds. For a mean over a single axis this is the t interval. A bootstrap, also one that is stretched to the
width of the t interval, cannot tell more than two or three units have, and covers far less than it says (docs/decisions.md;
`benchmarks/interval_coverage.py` measures it).

On few units: J. MacKinnon, M. Nielsen and M. Webb, "Fast and Reliable Jackknife and Bootstrap Methods for Cluster-Robust Inference",
Journal of Applied Econometrics 38, 2023.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special
from scipy.sparse import csr_matrix

from torchcpc.contracts import CPCError
from torchcpc.results import Interval

LEVEL = 0.95
# Units that a slow statistic is computed without, in turn; more of them are taken in so many blocks.
MOST_BLOCKS = 300


@dataclass(frozen=True, slots=True)
class Spread:
    """A statistic, and what it is without each unit and without each entry of every other axis (seeds, draws) in turn."""

    value: float
    without_units: np.ndarray
    without_others: tuple[np.ndarray, ...] = ()

    def scaled(self, by: float) -> Spread:
        return Spread(by * self.value, by * self.without_units, tuple(by * axis for axis in self.without_others))

    def less(self, other: Spread) -> Spread:
        """The paired difference. Axes of equal length are paired, others count each for itself."""
        own, theirs = self.without_others, other.without_others
        if [len(axis) for axis in own] == [len(axis) for axis in theirs]:
            others = tuple(mine - axis for mine, axis in zip(own, theirs, strict=True))
        else:
            others = (*own, *(-axis for axis in theirs))
        return Spread(self.value - other.value, self.without_units - other.without_units, others)

    def error(self, least_variance: float = 0.0) -> float:
        """Half of the 95 % interval, NaN with one unit: nothing is known of the spread between units. least_variance: of the statistic, as
        it is known without any spread: few units may agree by chance."""
        axes = [self.without_units, *(axis for axis in self.without_others if len(axis) > 1)]
        degrees = np.array([len(axis) - 1 for axis in axes])
        if degrees[0] < 1:
            return math.nan
        variance = np.array([(len(axis) - 1) * float(np.var(axis)) for axis in axes])
        least = special.ndtri(0.5 + LEVEL / 2) * math.sqrt(least_variance)
        if not (total := variance.sum()):
            return float(least)
        freedom = total**2 / (variance**2 / degrees).sum()
        return float(max(special.stdtrit(freedom, 0.5 + LEVEL / 2) * math.sqrt(total), least))

    def interval(self, least: float = -math.inf, most: float = math.inf, *, least_variance: float = 0.0) -> Interval:
        """The statistic and its interval, which lies within its bounds `least` and `most`."""
        value, error, wide = self.value, self.error(least_variance), most - least
        if not math.isfinite(error):
            return Interval(value, math.nan, math.nan)
        if not math.isfinite(wide):
            return Interval(value, max(value - error, least), min(value + error, most))
        if not least < value < most:
            # At a bound nothing varies, so no spread is seen: take the exact binomial bound with one trial a unit.
            reach = wide * (1 - ((1 - LEVEL) / 2) ** (1 / len(self.without_units)))
            return Interval(value, most - reach, most) if value >= most else Interval(value, least, least + reach)
        share = (value - least) / wide
        reach = error / wide / (share * (1 - share))
        low, high = (least + wide * float(special.expit(special.logit(share) + end)) for end in (-reach, reach))
        return Interval(value, low, high)


@dataclass(frozen=True, slots=True)
class Hits:
    """Correct answers by replicate and unit: hits_RS (any number of replicate axes, units last) out of rows_S a unit."""

    hits_RS: np.ndarray
    rows_S: np.ndarray

    @classmethod
    def of(cls, correct_RM: np.ndarray, unit_M: np.ndarray) -> Hits:
        """From correct_RM [..., M], true where test row m was answered correctly in that replicate."""
        if correct_RM.shape[-1:] != unit_M.shape or not unit_M.size:
            raise CPCError(f"answers {correct_RM.shape} for {unit_M.size} test rows: give one a row, and at least one row.")
        units, place_M = np.unique(unit_M, return_inverse=True)
        # Counted in flat places and not by a matrix of rows x units, for every sentence of ten thousand can be a unit.
        flat_RM = correct_RM.reshape(-1, place_M.size)
        place_RM = place_M + len(units) * np.arange(len(flat_RM))[:, None]
        hits = np.bincount(place_RM.ravel(), flat_RM.ravel(), minlength=len(flat_RM) * len(units))
        return cls(hits.reshape(*correct_RM.shape[:-1], -1), np.bincount(place_M).astype(np.float64))

    @property
    def mean(self) -> float:
        """Share of all rows answered correctly, over all replicates."""
        return float(self.hits_RS.mean(axis=tuple(range(self.hits_RS.ndim - 1))).sum() / self.rows_S.sum())

    @property
    def test_rows(self) -> np.ndarray:
        """What two estimates of the same test rows have in common, an entry a unit."""
        return self.rows_S

    @property
    def answers(self) -> float:
        """All rows of all replicates."""
        return float(self.rows_S.sum() * np.prod(self.hits_RS.shape[:-1]))

    def spread(self) -> Spread:
        replicates, total = self.hits_RS.ndim - 1, self.rows_S.sum()
        hits_S, left_S = self.hits_RS.mean(axis=tuple(range(replicates))), total - self.rows_S
        without = np.divide(hits_S.sum() - hits_S, left_S, out=np.full(len(left_S), self.mean), where=left_S != 0)
        mean_R = self.hits_RS.sum(axis=-1) / total
        axes = (mean_R.mean(axis=tuple(other for other in range(replicates) if other != axis)) for axis in range(replicates))
        return Spread(self.mean, without, tuple(map(_means_without, axes)))


@dataclass(frozen=True, slots=True)
class Confusions:
    """Counts by replicate, unit and class of the test: true positives, predictions and, by unit and class, rows. Their mean is
    macro-F1, the plain mean over the classes of the test of 2 TP / (2 TP + FP + FN), which shows what a common class hides."""

    true_RSC: np.ndarray
    predicted_RSC: np.ndarray
    actual_SC: np.ndarray

    @classmethod
    def of(cls, predicted_RM: np.ndarray, y_M: np.ndarray, unit_M: np.ndarray) -> Confusions:
        """From the class predicted for every test row in every replicate (seed). Classes without a test row have no recall."""
        if predicted_RM.shape[1:] != y_M.shape or y_M.shape != unit_M.shape or not y_M.size:
            raise CPCError(f"predictions {predicted_RM.shape} for {y_M.size} test rows: give one a row, and at least one row.")
        units, place_M = np.unique(unit_M, return_inverse=True)
        # Sparse, for every sentence of ten thousand can be a unit.
        member_SM = csr_matrix((np.ones(len(y_M)), (place_M, np.arange(len(y_M)))), shape=(len(units), len(y_M)))
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

    @property
    def answers(self) -> float:
        return float(self.actual_SC.sum() * len(self.true_RSC))

    def spread(self) -> Spread:
        true_RC, predicted_RC, actual_C = self.true_RSC.sum(1), self.predicted_RSC.sum(1), self.actual_SC.sum(0)
        left_SC = actual_C - self.actual_SC
        f1_RSC = _f1(true_RC[:, None] - self.true_RSC, predicted_RC[:, None] - self.predicted_RSC, left_SC)
        # Without a unit that alone has a class, nothing is said of that class.
        met_SC = left_SC > 0
        without = (f1_RSC.mean(axis=0) * met_SC).sum(axis=1) / np.maximum(met_SC.sum(axis=1), 1)
        return Spread(self.mean, without, (_means_without(_f1(true_RC, predicted_RC, actual_C).mean(axis=1)),))


def interval(estimate: Hits | Confusions, *, least: float = 0.0, most: float = 1.0) -> Interval:
    """The statistic and its interval, which lies between `least` and `most`. With one unit the interval is NaN."""
    return estimate.spread().interval(least, most)


def share_interval(estimate: Hits | Confusions) -> Interval:
    """Accuracy or macro-F1 and its interval, within 0 and 1; NaN with one unit. It is at least as wide as that of independent rows."""
    share = estimate.mean
    return estimate.spread().interval(0.0, 1.0, least_variance=share * (1 - share) / estimate.answers)


def mean_interval(sum_S: np.ndarray, rows_S: np.ndarray) -> Interval:
    """The mean of any quantity over all rows, from its sum and number of rows by unit. Raises CPCError for no row. With one unit the
    interval is NaN."""
    if not rows_S.sum():
        raise CPCError("a mean over no rows: name sources that are long enough.")
    return Hits(sum_S.astype(np.float64), rows_S.astype(np.float64)).spread().interval()


def statistic_interval(
    sums_RSF: np.ndarray, statistic: Callable[[np.ndarray], float], *, least: float = -math.inf, most: float = math.inf
) -> Interval:
    """The mean over replicates R of a statistic of F sums over units S, such as F1 of counts, and its interval. A unit without which the
    statistic has no value (CPCError: there would be nothing to find) says nothing of the spread."""

    def known(sums_F: np.ndarray) -> float:
        try:
            return statistic(sums_F)
        except CPCError:
            return math.nan

    sums_RSF = sum_blocks(sums_RSF.astype(np.float64), axis=1)
    total_RF = sums_RSF.sum(axis=1)
    value_R = np.array([statistic(sums_F) for sums_F in total_RF])
    without_S = np.mean([[known(sums_F) for sums_F in own] for own in total_RF[:, None] - sums_RSF], axis=0)
    spread = Spread(float(value_R.mean()), without_S[np.isfinite(without_S)], (_means_without(value_R),))
    return spread.interval(least, most)


def sum_blocks(sums: np.ndarray, *, axis: int) -> np.ndarray:
    """Sums over units, of which more than MOST_BLOCKS are taken together in so many blocks."""
    return np.add.reduceat(sums, np.unique(blocks_of(sums.shape[axis]), return_index=True)[1], axis=axis)


def blocks_of(units: int) -> np.ndarray:
    """The block of each unit."""
    return np.arange(units) * min(units, MOST_BLOCKS) // units


def difference_interval(one: Hits | Confusions, other: Hits | Confusions) -> Interval:
    """`one` less `other` on the same test rows, both shares, with the interval of the difference. Raises CPCError for other test
    rows. Both are without the same units in turn, and without the same seeds (draws) where they have equally many."""
    if not np.array_equal(one.test_rows, other.test_rows):
        raise CPCError(
            f"a paired difference needs the same test rows: {len(one.test_rows)} units with {one.test_rows.sum():.0f} rows against "
            f"{len(other.test_rows)} with {other.test_rows.sum():.0f}; probe both kinds of features on one task."
        )
    spread = one.spread().less(other.spread())
    # The least that rows can vary of which each counts -1, 0 or 1.
    least = (abs(spread.value) - spread.value**2) / max(one.answers, other.answers)
    return spread.interval(-1.0, 1.0, least_variance=max(least, 0.0))


def _means_without(value_R: np.ndarray) -> np.ndarray:
    """The mean without each entry in turn; as it is of a single one."""
    return (value_R.sum() - value_R) / (len(value_R) - 1) if len(value_R) > 1 else value_R


def _unknown(value: float) -> Interval:
    return Interval(value, math.nan, math.nan)


def _f1(true: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> np.ndarray:
    both = predicted + actual
    return np.divide(2 * true, both, out=np.zeros_like(true), where=both > 0).clip(0, 1)
