"""`mutual_information(x, y)`: two arrays of samples in, one number one can quote out."""

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
# Nats between training and held-out rows beyond which the middle of the two is a guess that calls for a warning.
UNSETTLED = 0.1
# Of what a critic learned beyond the copula, the share that it may have left out: no held-out row shows what was never learned.
UNLEARNED = 0.05
# Columns beyond which the bias of nearest neighbours is larger than any other error here.
MOST_DIMENSIONS = 5
# Few neighbours: little bias at an edge, some more variance. WIDER shows how much bias there still is.
NEIGHBOURS, WIDER = 3, 10


class Estimate(NamedTuple):
    """A value in nats, half its interval, what the interval reaches further up, and how it was found."""

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
    """I(x; y) in nats of paired samples, with a 95 % interval: x [n] or [n, d], y [n] or [n, e], rows independent draws.

    Ranks, then an elliptical copula in closed form, then a critic that learns by symmetric InfoNCE what the copula misses, each fold
    scored by a critic that never saw it. In up to five dimensions, nearest neighbours where they find clearly more.

    The value is the middle between the mean log ratio on held-out rows, which is too low, and on training rows, to first order as much too
    high. The interval covers the sampling error and that gap; it reaches up by a twentieth of what the critic learned, for what it did
    not. Rows that depend on one another are told in a warning, and nothing is claimed above 0 then. `detail` holds the value in bits, the
    held-out InfoNCE `lower_bound` (less two standard errors) and its `ceiling` log N, how many `independent_rows` the rows are worth, the
    method, and `warnings`. most: rows used at most. Raises CPCError for input that cannot be measured: see `samples`.
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
    # 2 n times the information of independent columns is chi-square distributed: what could be there unseen.
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
    """The middle between held-out and training rows, and what is odd about it."""
    held_out, in_sample = float(fitted.ratio_N.mean()), fitted.in_sample
    value, distance = (held_out + in_sample) / 2, abs(in_sample - held_out) / 2
    if held_out < 0:
        # What was fitted says nothing about rows it has not seen, so there is no middle to take.
        half, warning = max(in_sample, 0.0), f"too few samples for {columns}: what was fitted does not hold on other rows"
        return Estimate(0.0, half, 0.0, _method(fitted)), [warning] if half > UNSETTLED else []
    # A fitted form is half the gap away on either side; of what was learned, training may have left some out as well.
    gap = 2 * distance if fitted.learned else distance
    more = UNLEARNED * max(value - fitted.copula, 0.0) if fitted.learned else 0.0
    warning = f"the middle of values {2 * distance:.2f} nats apart, on held-out and on training rows: use more samples"
    found = Estimate(value, math.hypot(Z95 * error, gap), more, _method(fitted))
    return found, [warning] if distance > max(UNSETTLED, value / 4) else []


def _or_neighbours(found: Estimate, error: float, x_ND: np.ndarray, y_NE: np.ndarray, seed: int) -> Estimate:
    """The estimate by nearest neighbours where it is clearly higher."""
    scores = margins(x_ND, np.inf), margins(y_NE, np.inf)
    near_N = neighbours_information(*scores, seed=seed)
    near, near_error = float(near_N.mean()), _error(near_N, len(near_N))
    if near <= found.value + 2 * math.hypot(error, near_error):
        return found
    wider = float(neighbours_information(*scores, k=WIDER, seed=seed).mean())
    half = math.hypot(Z95 * near_error, near - wider)
    return Estimate(near, half, 0.0, f"{NEIGHBOURS} nearest neighbours of normal scores")


def _near_ceiling(value: float, ceiling: float, candidates: int) -> list[str]:
    bound = f"log {candidates} = {ceiling:.2f} nats"
    if value > ceiling:
        return [
            f"the estimate is above {bound}, the most that the lower bound could confirm: one side may be a function of the other, whose "
            "information has no limit"
        ]
    return [f"the estimate is near the ceiling {bound} of its lower bound"] if value > ceiling - 1 else []


def _error(ratio_N: np.ndarray, n: int) -> float:
    """Standard error of a mean over n rows."""
    return float(ratio_N.std(ddof=1)) / math.sqrt(n)


def _method(fitted: CrossFit) -> str:
    kind = "Gaussian" if math.isinf(fitted.nu) else f"Student t ({fitted.nu:g} degrees of freedom)"
    learned = " and a critic learned by InfoNCE" if fitted.learned else ""
    return f"{kind} copula of ranks, canonical correlations: {fitted.correlations}{learned}; cross-fitted"


def neighbours_information(x_ND: np.ndarray, y_NE: np.ndarray, *, k: int = NEIGHBOURS, seed: int = 0) -> np.ndarray:
    """Per-sample terms in nats whose mean is the estimate: [N]. x and y on like scales, for instance normal scores. Kraskov, Stogbauer,
    Grassberger 2004, estimator 1 (arXiv:cond-mat/0305641): no training, and edges and ridges that a smooth score rounds off are seen."""
    rng = np.random.default_rng([seed, 1])
    # Equal values have no nearest neighbour; a jitter far below any distance breaks the ties (the authors' advice).
    x, y = (a + 1e-9 * rng.standard_normal(a.shape) for a in (x_ND, y_NE))
    joint = np.hstack([x, y])
    radius = np.nextafter(KDTree(joint).query(joint, k + 1, p=np.inf)[0][:, -1], 0)
    # Strictly nearer than the k-th neighbour, the point itself counted: the n_x + 1 of the paper's eq. 8.
    within_x, within_y = (KDTree(a).query_ball_point(a, radius, p=np.inf, return_length=True) for a in (x, y))
    return digamma(k) + digamma(len(x)) - digamma(within_x) - digamma(within_y)
