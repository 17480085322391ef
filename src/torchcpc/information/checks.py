"""Checks of calibration: does a calibrated score behave like a log density ratio? Three checks need no known truth, and
one does.

The checks use pairs that nothing else used.

1. E_{p(x)p(c)} exp PMI = 1, overall and within bins of contexts.
2. A logistic regression on PMI separates joint pairs from product pairs, with equal odds. Slope 1 and intercept 0 are
   right.
3. Among pairs with a given PMI, the share sigma(PMI) is joint: the reliability curve.

If a process made the data, calibrated PMI is compared with the exact log ratio, pair by pair. Both use the same
pairs, so the random choice of sequences cancels in their ratio. The scores see z and c, and the exact ratio sees x
and all of the past. So I(z_{t+k}; c_t) <= I(x_{t+k}; x_{<=t}). What is missing was lost by the encoder, by the
context, or by a score that cannot express the ratio. A share above 1 is an error of the calibration.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from torchcpc.contracts import Sources
from torchcpc.data.synthetic.process import Process
from torchcpc.information.result import Checks, TruthComparison
from torchcpc.information.scoring import Scored
from torchcpc.results import Interval
from torchcpc.statistics.intervals import mean_interval


def check_calibration(joint_A: np.ndarray, product_AM: np.ndarray, bin_by_A: np.ndarray) -> Checks:
    """Return the checks of one horizon.

    Args:
        joint_A: PMI of A contexts with their true future.
        product_AM: PMI of the same contexts with M independent candidates. NaN where a context may not use a
            candidate.
        bin_by_A: A number of the context alone, by which bins are cut.
    """
    drawn_AM = np.isfinite(product_AM)
    count_A = drawn_AM.sum(axis=1)
    ratio_A = np.where(drawn_AM, np.exp(np.where(drawn_AM, product_AM, 0.0)), 0.0).sum(axis=1) / count_A
    order = np.argsort(bin_by_A, kind="stable")
    # Every context has the same weight among products as among joint pairs, however many candidates it has.
    product_P, weight_P = product_AM[drawn_AM], np.repeat(1 / count_A, count_A)
    pairs = joint_A, product_P, weight_P
    by_bin = tuple(float(ratio_A[part].mean()) for part in np.array_split(order, min(5, len(order))))
    return Checks(float(ratio_A.mean()), by_bin, *logistic(*pairs), reliability(*pairs), (len(joint_A), len(product_P)))


def logistic(joint_A: np.ndarray, product_P: np.ndarray, weight_P: np.ndarray) -> tuple[float, float]:
    """Return slope and intercept of log odds(joint) on PMI. Both kinds of pairs have the same total weight.

    A constant PMI has slope 0.
    """
    from sklearn.linear_model import LogisticRegression

    x = np.concatenate([joint_A, product_P]).astype(np.float64)
    if np.ptp(x) == 0:
        return 0.0, 0.0
    y = np.concatenate([np.ones(len(joint_A)), np.zeros(len(product_P))])
    w = np.concatenate([np.full(len(joint_A), 0.5 / len(joint_A)), 0.5 * weight_P / weight_P.sum()])
    fitted = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10).fit(x[:, None], y, sample_weight=w)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def reliability(joint_A: np.ndarray, product_P: np.ndarray, weight_P: np.ndarray) -> tuple[tuple[float, float, int], ...]:
    """Return (stated, observed, joint pairs) in ten bins with equally many joint pairs.

    "stated" is the mean of sigma(PMI), and "observed" is the share that is joint.
    """
    value_P = np.concatenate([joint_A, product_P])
    joint_P = np.concatenate([np.full(len(joint_A), 1 / len(joint_A)), np.zeros(len(product_P))])
    mass_P = joint_P + np.concatenate([np.zeros(len(joint_A)), weight_P / weight_P.sum()])
    edges = np.unique(np.quantile(joint_A, np.linspace(0, 1, 11)[1:-1]))
    place_P = np.searchsorted(edges, value_P, side="right")
    said_P = 1 / (1 + np.exp(-np.clip(value_P, -500, 500)))
    points: list[tuple[float, float, int]] = []
    for mine in (place_P == place for place in np.unique(place_P)):
        mass, count = mass_P[mine].sum(), int(mine[: len(joint_A)].sum())
        points.append((float((mass_P * said_P)[mine].sum() / mass), float(joint_P[mine].sum() / mass), count))
    return tuple(points)


def worst(checks: Sequence[Checks]) -> str | None:
    """Return a warning if a calibrated score should not be read as a number, otherwise None."""
    far = max((abs(np.log(max(of_k.normalisation, 1e-9))) for of_k in checks), default=0.0)
    steep = [of_k.slope for of_k in checks if not 0.8 <= of_k.slope <= 1.25]
    if far > 0.25:
        return f"E exp PMI is off by a factor of {np.exp(far):.2f} where 1 is right: use more sources for the partition."
    if steep:
        return f"the logistic slope is {min(steep):.2f} to {max(steep):.2f} where 1 is right: read differences of scores, not sizes."
    return None


def sums_by_source(scored: Sequence[Scored], *columns: Iterable[float]) -> list[np.ndarray]:
    """Return sums over the sequences of each source, because these are no independent draws.

    Args:
        scored: The pairs of each sequence.
        *columns: One number per sequence.
    """
    place_E = np.unique([pairs.source for pairs in scored], return_inverse=True)[1]
    return [np.bincount(place_E, list(column)) for column in columns]


def exact_ratios(process: Process, sources: Sources, source: int, k: int) -> np.ndarray:
    """Return log p(x_{t+k} | x_<=t) / q(x_{t+k}) in nats of every pair of one source, [T - k]. The past begins with the
    source.
    """
    x_TD = sources.read(source, 0, sources.length(source))
    belief_TS = process.belief(x_TD[None])[0]
    return process.log_ratio(x_TD[k:].astype(np.float64), belief_TS[: len(x_TD) - k], k)


def compare_with_truth(process: Process, sources: Sources, k: int, scored: Sequence[Scored], error: float) -> TruthComparison:
    """Compare the PMI of one horizon with the process that made the data.

    Args:
        process: The process.
        sources: The sources.
        k: Steps ahead.
        scored: All pairs of each sequence.
        error: The standard error of the mean of log Z, in nats.
    """
    exact = [exact_ratios(process, sources, pairs.source, k) for pairs in scored]
    sums = ([own.sum() for own in exact], [pairs.pmi.sum() for pairs in scored], map(len, exact))
    exact_S, pmi_S, pairs_S = sums_by_source(scored, *sums)
    mean, share = mean_interval(exact_S, pairs_S), None
    if mean.mean > 0.01:  # nats; a share of less would mean nothing
        share = mean_interval(pmi_S, exact_S).widened(1.96 * error / mean.mean)
    slope, _, rmse = agreement(np.concatenate([pairs.pmi for pairs in scored]), np.concatenate(exact))
    known = process.information(k)
    exact_I = Interval(known.value, *(math.nan if end is None else end for end in (known.low, known.high)))
    return TruthComparison(exact_I, mean, share, slope, rmse)


def agreement(pmi_A: np.ndarray, exact_A: np.ndarray) -> tuple[float, float, float]:
    """Return slope, R2 and root mean square difference of PMI against the exact ratio.

    R2 is the squared correlation. For a constant ratio, slope and R2 are NaN.
    """
    rmse = float(np.sqrt(np.mean((pmi_A - exact_A) ** 2)))
    if exact_A.std() < 1e-9:
        return math.nan, math.nan, rmse
    (a, b), (_, c) = np.cov(exact_A, pmi_A)
    return float(b / a), float(b * b / (a * c)) if c > 0 else 0.0, rmse
