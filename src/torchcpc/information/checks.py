"""Does a calibrated score behave like a log density ratio? Three questions that need no known truth, on pairs used nowhere else.

1. E_{p(x)p(c)} exp PMI = 1, overall and within bins of contexts.
2. Told joint pairs from product pairs by logistic regression on PMI, with equal odds: slope 1, intercept 0.
3. Of the pairs that PMI says are joint with probability sigma(PMI), that share is joint: the reliability curve.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from torchcpc.information.result import Checks

BINS = 5


def check(joint_A: np.ndarray, product_AM: np.ndarray, bin_by_A: np.ndarray, *, bins: int = BINS) -> Checks:
    """The checks of one horizon.

    joint_A: PMI of A contexts with their true future; product_AM: PMI of the same contexts with M independent candidates, NaN where
    a candidate may not stand for the marginal; bin_by_A: a number of the context alone that the bins are cut by.
    """
    drawn_AM = np.isfinite(product_AM)
    count_A = drawn_AM.sum(axis=1)
    ratio_A = np.where(drawn_AM, np.exp(np.where(drawn_AM, product_AM, 0.0)), 0.0).sum(axis=1) / count_A
    order = np.argsort(bin_by_A, kind="stable")
    # Every context weighs as much among the products as it does among the joint pairs, however many candidates it has.
    product_P, weight_P = product_AM[drawn_AM], np.repeat(1 / count_A, count_A)
    slope, intercept = logistic(joint_A, product_P, weight_P)
    return Checks(
        normalisation=float(ratio_A.mean()),
        by_bin=tuple(float(ratio_A[part].mean()) for part in np.array_split(order, min(bins, len(order)))),
        slope=slope,
        intercept=intercept,
        reliability=reliability(joint_A, product_P, weight_P),
        pairs=(len(joint_A), len(product_P)),
    )


def logistic(joint_A: np.ndarray, product_P: np.ndarray, weight_P: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of log odds(joint) on PMI, joint and product pairs weighing alike in total; slope 0 for a constant PMI."""
    from sklearn.linear_model import LogisticRegression

    x = np.concatenate([joint_A, product_P]).astype(np.float64)
    if np.ptp(x) == 0:
        return 0.0, 0.0
    y = np.concatenate([np.ones(len(joint_A)), np.zeros(len(product_P))])
    w = np.concatenate([np.full(len(joint_A), 0.5 / len(joint_A)), 0.5 * weight_P / weight_P.sum()])
    fitted = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10).fit(x[:, None], y, sample_weight=w)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def reliability(
    joint_A: np.ndarray, product_P: np.ndarray, weight_P: np.ndarray, *, bins: int = 10
) -> tuple[tuple[float, float, int], ...]:
    """(said, found, joint pairs) in `bins` bins of equally many joint pairs: mean sigma(PMI), and the share that is joint."""
    value_P = np.concatenate([joint_A, product_P])
    joint_P = np.concatenate([np.full(len(joint_A), 1 / len(joint_A)), np.zeros(len(product_P))])
    mass_P = joint_P + np.concatenate([np.zeros(len(joint_A)), weight_P / weight_P.sum()])
    edges = np.unique(np.quantile(joint_A, np.linspace(0, 1, bins + 1)[1:-1]))
    place_P = np.searchsorted(edges, value_P, side="right")
    said_P = 1 / (1 + np.exp(-np.clip(value_P, -500, 500)))
    points: list[tuple[float, float, int]] = []
    for place in range(len(edges) + 1):
        mine = place_P == place
        if mine.any():
            mass = mass_P[mine].sum()
            count = int((place_P[: len(joint_A)] == place).sum())
            points.append((float((mass_P * said_P)[mine].sum() / mass), float(joint_P[mine].sum() / mass), count))
    return tuple(points)


def worst(checks: Sequence[Checks]) -> str | None:
    """A sentence where a calibrated score should not be read as a number, None where all is well."""
    far = max((abs(np.log(max(check.normalisation, 1e-9))) for check in checks), default=0.0)
    steep = [check.slope for check in checks if not 0.8 <= check.slope <= 1.25]
    if far > 0.25:
        return f"E exp PMI is off by a factor of {np.exp(far):.2f} where 1 is right: use more sources for the partition."
    if steep:
        return f"the logistic slope is {min(steep):.2f} to {max(steep):.2f} where 1 is right: read differences of scores, not sizes."
    return None
