"""`mutual_information(x, y)`: two arrays of samples in, one number one can quote out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from torchcpc.contracts import CPCError, Result
from torchcpc.mutual.crossfit import CrossFit, cross_fit
from torchcpc.mutual.elliptical import margins
from torchcpc.mutual.neighbours import MOST_DIMENSIONS, NEIGHBOURS, WIDER, neighbours_information
from torchcpc.mutual.samples import FEWEST, samples

Z95 = 1.96
# Nats between training and held-out rows beyond which the middle of the two is a guess that should be told.
UNSETTLED = 0.1
# Of what a critic learned beyond the copula, the share that it may have left out: no held-out row shows what was never learned.
UNLEARNED = 0.05


def mutual_information(
    x: Any,
    y: Any,
    *,
    seed: int = 0,
    folds: int = 3,
    steps: int = 700,
    batch: int = 512,
    width: int = 128,
    layers: int = 3,
    product: int = 8,
    most: int = 20_000,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Result:
    """I(x; y) in nats of paired samples, with a 95 % interval: x [n] or [n, d], y [n] or [n, e], rows independent draws.

    Ranks, then an elliptical copula in closed form, then a critic that learns by symmetric InfoNCE what the copula misses, each fold
    scored by a critic that never saw it; in up to five dimensions, nearest neighbours where they find clearly more. The value is the
    middle between the mean log ratio on held-out rows, which is too low, and on training rows, which is too high (to first order
    of a fitted model, by equal amounts); the interval covers the sampling error and that gap, and reaches up by a twentieth of what
    the critic learned, for what it did not. `detail` holds the value in bits, the
    held-out InfoNCE `lower_bound` (less two standard errors) and its `ceiling` log N, the method, and `warnings`.

    steps: most updates of the critics; batch: rows that compete; most: rows used at most. Raises CPCError for input that cannot be
    measured: see `samples`.
    """
    if min(folds - 1, steps, batch - 1, width, layers, product) < 1 or most < FEWEST:
        raise CPCError(
            f"folds = {folds}, steps = {steps}, batch = {batch}, width = {width}, layers = {layers}, product = {product}, "
            f"most = {most}: folds and batch must be at least 2, most at least {FEWEST}, the others at least 1."
        )
    given = samples(x, y, most=most, seed=seed)
    warnings, n = list(given.warnings), len(given.x_ND)
    fitted = cross_fit(
        given.x_ND, given.y_NE, seed=seed, folds=folds, steps=steps, batch=batch, width=width, layers=layers, product=product,
        progress=progress,
    )  # fmt: skip
    ratio_N = fitted.held_out.ratio_N
    held_out, error = float(ratio_N.mean()), float(ratio_N.std(ddof=1)) / math.sqrt(n)
    lower_bound = max(0.0, fitted.held_out.infonce - 2 * error)
    # A fitted form is half the gap away on either side; of what was learned, training may have left some out as well.
    value, distance = (held_out + fitted.in_sample) / 2, abs(fitted.in_sample - held_out) / 2
    gap = 2 * distance if fitted.learned else distance
    half, method = math.hypot(Z95 * error, gap), _method(fitted)
    more = UNLEARNED * max(value - fitted.copula, 0.0) if fitted.learned else 0.0
    if held_out < 0:
        # What was fitted says nothing about rows it has not seen, so there is no middle to take.
        value, half, more = 0.0, max(fitted.in_sample, 0.0), 0.0
        if half > UNSETTLED:
            columns = f"{given.x_ND.shape[1]} and {given.y_NE.shape[1]} columns"
            warnings.append(f"too few samples for {columns}: what was fitted does not hold on other rows")
    elif distance > max(UNSETTLED, value / 4):
        warnings.append(
            f"the middle of values {2 * distance:.2f} nats apart, on held-out and on training rows: use more samples"
        )
    dims = given.x_ND.shape[1] + given.y_NE.shape[1]
    if dims <= MOST_DIMENSIONS:
        scores = margins(given.x_ND, np.inf), margins(given.y_NE, np.inf)
        near_N = neighbours_information(*scores, seed=seed)
        near, near_error = float(near_N.mean()), float(near_N.std(ddof=1)) / math.sqrt(n)
        if near > value + 2 * math.hypot(error, near_error):
            wider = float(neighbours_information(*scores, k=WIDER, seed=seed).mean())
            value, half, more = near, math.hypot(Z95 * near_error, near - wider), 0.0
            method = f"{NEIGHBOURS} nearest neighbours of normal scores"
    # 2 n times the information of independent columns is chi-square distributed: what could be there unseen.
    unseen = float(stats.chi2.ppf(0.975, given.x_ND.shape[1] * given.y_NE.shape[1])) / (2 * n)
    low, high, value = max(value - half, 0.0), max(value + half + more, unseen), max(value, 0.0)
    ceiling = math.log(fitted.candidates)
    if value > ceiling:
        warnings.append(
            f"the estimate is above log {fitted.candidates} = {ceiling:.2f} nats, the most that the lower bound could confirm: one "
            "side may be a function of the other, whose information has no limit"
        )
    elif value > ceiling - 1:
        warnings.append(f"the estimate is near the ceiling log {fitted.candidates} = {ceiling:.2f} nats of its lower bound")
    return Result(
        "mutual information", value, "nats", n, low, high,
        {
            "bits": value / math.log(2),
            "lower_bound": lower_bound,
            "ceiling": ceiling,
            "candidates": fitted.candidates,
            "method": method,
            "warnings": tuple(warnings),
        },
    )  # fmt: skip


def _method(fitted: CrossFit) -> str:
    kind = "Gaussian" if math.isinf(fitted.nu) else f"Student t ({fitted.nu:g} degrees of freedom)"
    learned = " and a critic learned by InfoNCE" if fitted.learned else ""
    return f"{kind} copula of ranks, canonical correlations: {fitted.correlations}{learned}; cross-fitted"
