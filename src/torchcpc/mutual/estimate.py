"""`mutual_information(x, y)`: an estimate with a 95 % interval from two arrays of samples."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.spatial import KDTree
from scipy.special import digamma

from torchcpc.contracts import Progress, Result, silent
from torchcpc.mutual.crossfit import CrossFit, cross_fit
from torchcpc.mutual.dependence import row_dependence
from torchcpc.mutual.elliptical import margins
from torchcpc.mutual.samples import samples
from torchcpc.mutual.train_critics import CriticSettings

Z95 = 1.96
# If training and held-out rows differ by more nats than this, their middle is a guess, and there is a warning.
UNSETTLED = 0.1
# The critic may have missed this share of what it learned beyond the copula. Held-out rows cannot show what was never learned.
UNLEARNED = 0.05
# With more columns, the bias of nearest neighbours is larger than any other error here.
MOST_DIMENSIONS = 5
# Few neighbours give little bias at an edge and some more variance. WIDER shows how much bias is left.
NEIGHBOURS, WIDER = 3, 10


class Estimate(NamedTuple):
    """An estimate with its interval.

    Attributes:
        value: The estimate in nats.
        half: Half the width of the interval, in nats.
        more: How much further the interval reaches up, in nats.
        method: How the value was found.
    """

    value: float
    half: float
    more: float
    method: str


def mutual_information(
    x: ArrayLike,
    y: ArrayLike,
    *,
    seed: int = 0,
    most: int = 20_000,
    critic: CriticSettings | None = None,
    progress: Progress = silent,
) -> Result:
    """Estimate the mutual information I(x; y) of paired samples, in nats, with a 95 % interval.

    Columns are ranked first. An elliptical copula then gives a closed form, and a critic learns by symmetric InfoNCE
    what the copula misses. A row is never scored by a critic that was trained on it. In up to five dimensions,
    nearest neighbours replace the estimate where they find clearly more.

    The value is the middle of two means of the log ratio. On held-out rows it is too low, and on training rows it is
    too high by about as much. The interval covers the sampling error and this gap. It reaches up by another twentieth
    of what the critic learned, for what it may have missed. If rows depend on one another, a warning says so and the
    interval starts at 0.

    The field `detail` of the result holds:

    - bits: the value in bits.
    - lower_bound: the InfoNCE bound on held-out rows minus two standard errors, in nats.
    - ceiling: the largest value that this bound can take, log N.
    - candidates: that N.
    - independent_rows: the effective number of independent rows.
    - method: how the value was found.
    - warnings: what a reader should know.

    Args:
        x: Samples of x, [n] or [n, d]. Row i of x and y is one pair. Rows should be independent draws.
        y: Samples of y, [n] or [n, e].
        seed: Seed of folds, weights and random choices.
        most: The largest number of rows to use. More rows are thinned at random.
        critic: How the critics are trained. Default: `CriticSettings()`.
        progress: A callback for the progress. Default: silent.

    Returns:
        The estimate in nats. `low` and `high` are its interval, and `n` is the number of rows.

    Raises:
        CPCError: If x and y are not numeric arrays with equally many finite rows, at least 50, or a side is constant.

    Examples:
        >>> result = torchcpc.mutual_information(x, y)
        >>> result.value, result.low, result.high
    """
    x_ND, y_NE, odd = samples(x, y, most=most, seed=seed)
    n, dx, dy = len(x_ND), x_ND.shape[1], y_NE.shape[1]
    fitted = cross_fit(x_ND, y_NE, critic or CriticSettings(), seed=seed, progress=progress)
    error = _error(fitted.ratio_N, n)
    found, warnings = _from_critics(fitted, error, f"{dx} and {dy} columns")
    if dx + dy <= MOST_DIMENSIONS:
        found = _or_neighbours(found, error, x_ND, y_NE, seed)
    dependence = row_dependence(x_ND, y_NE)
    rows = dependence.effective if dependence else n
    # 2 n times the information of independent columns is chi-square distributed, so this much could be there unseen.
    unseen, half = float(stats.chi2.ppf(0.975, dx * dy)) / (2 * rows), found.half * math.sqrt(n / rows)
    low, high = max(found.value - half, 0.0), max(found.value + half + found.more, unseen)
    if dependence:
        odd, low = [dependence.warning(), *odd], 0.0
    value, ceiling = max(found.value, 0.0), math.log(fitted.candidates)
    detail = {
        "bits": value / math.log(2),
        "lower_bound": 0.0 if dependence else max(0.0, fitted.infonce - 2 * error),
        "ceiling": ceiling,
        "candidates": fitted.candidates,
        "independent_rows": rows,
        "method": found.method,
        "warnings": (*odd, *warnings, *_near_ceiling(value, ceiling, fitted.candidates)),
    }
    return Result("mutual information", value, "nats", n, low, high, detail)


def _from_critics(fitted: CrossFit, error: float, columns: str) -> tuple[Estimate, list[str]]:
    """Return the middle between held-out and training rows, and warnings."""
    held_out, in_sample = float(fitted.ratio_N.mean()), fitted.in_sample
    value, distance = (held_out + in_sample) / 2, abs(in_sample - held_out) / 2
    if held_out < 0:
        # The fit says nothing about unseen rows, so there is no middle to take.
        half, warning = max(in_sample, 0.0), f"too few samples for {columns}: the fit does not hold on other rows"
        return Estimate(0.0, half, 0.0, _method(fitted)), [warning] if half > UNSETTLED else []
    # A fitted form is off by half the gap at most. A learned one may be off by more, because training may miss something.
    gap = 2 * distance if fitted.learned else distance
    more = UNLEARNED * max(value - fitted.copula, 0.0) if fitted.learned else 0.0
    apart = f"the estimates on held-out and on training rows differ by {2 * distance:.2f} nats"
    warning = f"{apart}, and the value is their middle: use more samples"
    found = Estimate(value, math.hypot(Z95 * error, gap), more, _method(fitted))
    return found, [warning] if distance > max(UNSETTLED, value / 4) else []


def _or_neighbours(found: Estimate, error: float, x_ND: np.ndarray, y_NE: np.ndarray, seed: int) -> Estimate:
    """Return the estimate by nearest neighbours if it is clearly higher."""
    scores = margins(x_ND, np.inf), margins(y_NE, np.inf)
    near_N = neighbours_information(*scores, seed=seed)
    near, near_error = float(near_N.mean()), _error(near_N, len(near_N))
    if near <= found.value + 2 * math.hypot(error, near_error):
        return found
    wider = float(neighbours_information(*scores, k=WIDER, seed=seed).mean())
    half = math.hypot(Z95 * near_error, near - wider)
    return Estimate(near, half, 0.0, f"{NEIGHBOURS} nearest neighbours of normal scores")


def _near_ceiling(value: float, ceiling: float, candidates: int) -> list[str]:
    """Return a warning if the value is near or above the ceiling of its lower bound."""
    bound = f"log {candidates} = {ceiling:.2f} nats"
    if value > ceiling:
        return [
            f"the estimate is above {bound}, the most that the lower bound could confirm: one side may be a function of the other, whose "
            "information has no limit"
        ]
    return [f"the estimate is near the ceiling {bound} of its lower bound"] if value > ceiling - 1 else []


def _error(ratio_N: np.ndarray, n: int) -> float:
    """Return the standard error of a mean over n rows."""
    return float(ratio_N.std(ddof=1)) / math.sqrt(n)


def _method(fitted: CrossFit) -> str:
    """Return the method in words."""
    kind = "Gaussian" if math.isinf(fitted.nu) else f"Student t ({fitted.nu:g} degrees of freedom)"
    learned = " and a critic learned by InfoNCE" if fitted.learned else ""
    return f"{kind} copula of ranks, canonical correlations: {fitted.correlations}{learned}; cross-fitted"


def neighbours_information(x_ND: np.ndarray, y_NE: np.ndarray, *, k: int = NEIGHBOURS, seed: int = 0) -> np.ndarray:
    """Estimate mutual information by nearest neighbours.

    This is estimator 1 of Kraskov, Stogbauer, Grassberger 2004 (arXiv:cond-mat/0305641). It needs no training, and it
    sees edges and ridges that a smooth score rounds off.

    Args:
        x_ND: Samples of x.
        y_NE: Samples of y, on a similar scale. Normal scores are one.
        k: The number of neighbours.
        seed: Seed of the jitter that breaks ties.

    Returns:
        Terms in nats, [N]. Their mean is the estimate.
    """
    rng = np.random.default_rng([seed, 1])
    # Equal values have no nearest neighbour. A tiny jitter breaks the ties, as the authors advise.
    x, y = (a + 1e-9 * rng.standard_normal(a.shape) for a in (x_ND, y_NE))
    joint = np.hstack([x, y])
    radius = np.nextafter(KDTree(joint).query(joint, k + 1, p=np.inf)[0][:, -1], 0)
    # Points strictly nearer than the k-th neighbour, with the point itself: the n_x + 1 of eq. 8 in that paper.
    within_x, within_y = (KDTree(a).query_ball_point(a, radius, p=np.inf, return_length=True) for a in (x, y))
    return digamma(k) + digamma(len(x)) - digamma(within_x) - digamma(within_y)
