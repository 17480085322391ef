"""95 % intervals over test units, training seeds and label draws: of a share, of any statistic of sums, and of a paired
difference.

The rows of one speaker are alike. So a unit (a speaker or a recording) counts as one draw from the world, and a model
as one draw of its seed. The error comes from the jackknife: the statistic without each unit in turn, and without each
seed in turn. The variances of both axes add up. Student's t with Satterthwaite's degrees of freedom gives the
interval. It is computed on the scale of log odds where the statistic has bounds. For a mean over a single axis this
is the t interval.

A bootstrap is no better. With two or three units it covers far less than 95 %, even if stretched to the width of the
t interval. `benchmarks/interval_coverage.py` measures this, and
docs/notebook/2026-11-27-reasons-front-door.md has the figures.

On few units: J. MacKinnon, M. Nielsen and M. Webb, "Fast and Reliable Jackknife and Bootstrap Methods for
Cluster-Robust Inference", Journal of Applied Econometrics 38, 2023.
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
# The largest number of units that a slow statistic leaves out one by one. More units are grouped into so many blocks.
MOST_BLOCKS = 300


@dataclass(frozen=True, slots=True)
class Spread:
    """A statistic with its values without each unit, and without each entry of every other axis (seeds, draws).

    Attributes:
        value: The statistic.
        without_units: The statistic without each unit in turn.
        without_others: For each other axis, the statistic without each entry in turn.
    """

    value: float
    without_units: np.ndarray
    without_others: tuple[np.ndarray, ...] = ()

    def scaled(self, by: float) -> Spread:
        """Return the spread of the statistic times `by`."""
        return Spread(by * self.value, by * self.without_units, tuple(by * axis for axis in self.without_others))

    def less(self, other: Spread) -> Spread:
        """Return the spread of the paired difference. Axes of equal length are paired, and others count separately."""
        own, theirs = self.without_others, other.without_others
        if [len(axis) for axis in own] == [len(axis) for axis in theirs]:
            others = tuple(mine - axis for mine, axis in zip(own, theirs, strict=True))
        else:
            others = (*own, *(-axis for axis in theirs))
        return Spread(self.value - other.value, self.without_units - other.without_units, others)

    def error(self, least_variance: float = 0.0) -> float:
        """Return half the width of the 95 % interval. It is NaN for one unit, which shows no spread between units.

        Args:
            least_variance: The variance of the statistic that is known without any spread. Few units may agree by
                chance.
        """
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
        """Return the statistic with its interval, within its bounds `least` and `most`."""
        value, error, wide = self.value, self.error(least_variance), most - least
        if not math.isfinite(error):
            return Interval(value, math.nan, math.nan)
        if not math.isfinite(wide):
            return Interval(value, max(value - error, least), min(value + error, most))
        if not least < value < most:
            # At a bound nothing varies. Take the exact binomial bound with one trial per unit.
            reach = wide * (1 - ((1 - LEVEL) / 2) ** (1 / len(self.without_units)))
            return Interval(value, most - reach, most) if value >= most else Interval(value, least, least + reach)
        share = (value - least) / wide
        reach = error / wide / (share * (1 - share))
        low, high = (least + wide * float(special.expit(special.logit(share) + end)) for end in (-reach, reach))
        return Interval(value, low, high)


@dataclass(frozen=True, slots=True)
class Hits:
    """Correct answers by replicate and unit.

    Attributes:
        hits_RS: The number of correct answers. Any number of replicate axes, units last.
        rows_S: The number of rows of each unit.
    """

    hits_RS: np.ndarray
    rows_S: np.ndarray

    @classmethod
    def of(cls, correct_RM: np.ndarray, unit_M: np.ndarray) -> Hits:
        """Count answers by unit.

        Args:
            correct_RM: Whether test row m was answered correctly in each replicate, [..., M].
            unit_M: The unit of each row.

        Raises:
            CPCError: If the shapes do not fit, or there is no row.
        """
        if correct_RM.shape[-1:] != unit_M.shape or not unit_M.size:
            raise CPCError(f"answers {correct_RM.shape} for {unit_M.size} test rows: give one a row, and at least one row.")
        units, place_M = np.unique(unit_M, return_inverse=True)
        # Counted without a matrix of rows x units, because each of ten thousand sentences can be a unit.
        flat_RM = correct_RM.reshape(-1, place_M.size)
        place_RM = place_M + len(units) * np.arange(len(flat_RM))[:, None]
        hits = np.bincount(place_RM.ravel(), flat_RM.ravel(), minlength=len(flat_RM) * len(units))
        return cls(hits.reshape(*correct_RM.shape[:-1], -1), np.bincount(place_M).astype(np.float64))

    @property
    def mean(self) -> float:
        """The share of all rows answered correctly, over all replicates."""
        return float(self.hits_RS.mean(axis=tuple(range(self.hits_RS.ndim - 1))).sum() / self.rows_S.sum())

    @property
    def test_rows(self) -> np.ndarray:
        """The rows of each unit. Two estimates on the same test rows have these in common."""
        return self.rows_S

    @property
    def answers(self) -> float:
        """The number of answers: all rows of all replicates."""
        return float(self.rows_S.sum() * np.prod(self.hits_RS.shape[:-1]))

    def spread(self) -> Spread:
        """Return the share and its jackknife values."""
        replicates, total = self.hits_RS.ndim - 1, self.rows_S.sum()
        hits_S, left_S = self.hits_RS.mean(axis=tuple(range(replicates))), total - self.rows_S
        without = np.divide(hits_S.sum() - hits_S, left_S, out=np.full(len(left_S), self.mean), where=left_S != 0)
        mean_R = self.hits_RS.sum(axis=-1) / total
        axes = (mean_R.mean(axis=tuple(other for other in range(replicates) if other != axis)) for axis in range(replicates))
        return Spread(self.mean, without, tuple(map(_means_without, axes)))


@dataclass(frozen=True, slots=True)
class Confusions:
    """Counts by replicate, unit and class of the test. Their mean is macro-F1.

    Macro-F1 is the plain mean of 2 TP / (2 TP + FP + FN) over the classes of the test. It shows errors that a
    frequent class hides.

    Attributes:
        true_RSC: True positives.
        predicted_RSC: Predictions.
        actual_SC: Rows of each unit and class.
    """

    true_RSC: np.ndarray
    predicted_RSC: np.ndarray
    actual_SC: np.ndarray

    @classmethod
    def of(cls, predicted_RM: np.ndarray, y_M: np.ndarray, unit_M: np.ndarray) -> Confusions:
        """Count predictions by unit and class. Classes without a test row are left out.

        Args:
            predicted_RM: The class predicted for every test row in every replicate (seed).
            y_M: The true class of each row.
            unit_M: The unit of each row.

        Raises:
            CPCError: If the shapes do not fit, or there is no row.
        """
        if predicted_RM.shape[1:] != y_M.shape or y_M.shape != unit_M.shape or not y_M.size:
            raise CPCError(f"predictions {predicted_RM.shape} for {y_M.size} test rows: give one a row, and at least one row.")
        units, place_M = np.unique(unit_M, return_inverse=True)
        # Sparse, because each of ten thousand sentences can be a unit.
        member_SM = csr_matrix((np.ones(len(y_M)), (place_M, np.arange(len(y_M)))), shape=(len(units), len(y_M)))
        classes = np.unique(y_M)
        actual_MC = (y_M[:, None] == classes).astype(np.float64)
        predicted_RMC = (predicted_RM[..., None] == classes).astype(np.float64)
        true_RSC = np.stack([member_SM @ true_MC for true_MC in predicted_RMC * actual_MC])
        predicted_RSC = np.stack([member_SM @ predicted_MC for predicted_MC in predicted_RMC])
        return cls(true_RSC, predicted_RSC, member_SM @ actual_MC)

    @property
    def per_class(self) -> np.ndarray:
        """F1 of each class of the test, the mean over replicates, [C]."""
        return _f1(self.true_RSC.sum(1), self.predicted_RSC.sum(1), self.actual_SC.sum(0)).mean(axis=0)

    @property
    def mean(self) -> float:
        """Macro-F1."""
        return float(self.per_class.mean())

    @property
    def test_rows(self) -> np.ndarray:
        """The rows of each unit and class."""
        return self.actual_SC

    @property
    def answers(self) -> float:
        """The number of answers: all rows of all replicates."""
        return float(self.actual_SC.sum() * len(self.true_RSC))

    def spread(self) -> Spread:
        """Return macro-F1 and its jackknife values."""
        true_RC, predicted_RC, actual_C = self.true_RSC.sum(1), self.predicted_RSC.sum(1), self.actual_SC.sum(0)
        left_SC = actual_C - self.actual_SC
        f1_RSC = _f1(true_RC[:, None] - self.true_RSC, predicted_RC[:, None] - self.predicted_RSC, left_SC)
        # If only the unit left out has a class, that class does not count.
        met_SC = left_SC > 0
        without = (f1_RSC.mean(axis=0) * met_SC).sum(axis=1) / np.maximum(met_SC.sum(axis=1), 1)
        return Spread(self.mean, without, (_means_without(_f1(true_RC, predicted_RC, actual_C).mean(axis=1)),))


def interval(estimate: Hits | Confusions, *, least: float = 0.0, most: float = 1.0) -> Interval:
    """Return the statistic with its interval, between `least` and `most`. With one unit the interval is NaN."""
    return estimate.spread().interval(least, most)


def share_interval(estimate: Hits | Confusions) -> Interval:
    """Return accuracy or macro-F1 with its interval, between 0 and 1. With one unit the interval is NaN.

    It is at least as wide as the interval of independent rows.
    """
    share = estimate.mean
    return estimate.spread().interval(0.0, 1.0, least_variance=share * (1 - share) / estimate.answers)


def mean_interval(sum_S: np.ndarray, rows_S: np.ndarray) -> Interval:
    """Return the mean of a quantity over all rows, with its interval. With one unit the interval is NaN.

    Args:
        sum_S: The sum of the quantity in each unit.
        rows_S: The number of rows of each unit.

    Raises:
        CPCError: If there is no row.
    """
    if not rows_S.sum():
        raise CPCError("a mean over no rows: name sources that are long enough.")
    return Hits(sum_S.astype(np.float64), rows_S.astype(np.float64)).spread().interval()


def statistic_interval(
    sums_RSF: np.ndarray, statistic: Callable[[np.ndarray], float], *, least: float = -math.inf, most: float = math.inf
) -> Interval:
    """Return the mean over replicates of a statistic of sums, such as F1 of counts, with its interval.

    A unit without which the statistic has no value does not count for the spread.

    Args:
        sums_RSF: F sums for each replicate and unit.
        statistic: A function from F sums to a number. It raises CPCError where it has no value.
        least: The lower bound of the statistic.
        most: The upper bound of the statistic.
    """

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
    """Return sums over units, with more than MOST_BLOCKS units grouped into that many blocks."""
    return np.add.reduceat(sums, np.unique(blocks_of(sums.shape[axis]), return_index=True)[1], axis=axis)


def blocks_of(units: int) -> np.ndarray:
    """Return the block of each unit."""
    return np.arange(units) * min(units, MOST_BLOCKS) // units


def difference_interval(one: Hits | Confusions, other: Hits | Confusions) -> Interval:
    """Return `one` minus `other` on the same test rows, with the interval of the difference.

    Both statistics leave out the same unit at a time. They leave out the same seed (or draw) if they have equally
    many.

    Args:
        one: The first share.
        other: The second share.

    Raises:
        CPCError: If the test rows differ.
    """
    if not np.array_equal(one.test_rows, other.test_rows):
        raise CPCError(
            f"a paired difference needs the same test rows: {len(one.test_rows)} units with {one.test_rows.sum():.0f} rows against "
            f"{len(other.test_rows)} with {other.test_rows.sum():.0f}; probe both kinds of features on one task."
        )
    spread = one.spread().less(other.spread())
    # The least variance of rows that each count -1, 0 or 1.
    least = (abs(spread.value) - spread.value**2) / max(one.answers, other.answers)
    return spread.interval(-1.0, 1.0, least_variance=max(least, 0.0))


def _means_without(value_R: np.ndarray) -> np.ndarray:
    """Return the mean without each entry in turn. A single entry is returned as it is."""
    return (value_R.sum() - value_R) / (len(value_R) - 1) if len(value_R) > 1 else value_R


def _unknown(value: float) -> Interval:
    """Return a value with an unknown interval."""
    return Interval(value, math.nan, math.nan)


def _f1(true: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Return F1 from counts. It is 0 where there are none."""
    both = predicted + actual
    return np.divide(2 * true, both, out=np.zeros_like(true), where=both > 0).clip(0, 1)
