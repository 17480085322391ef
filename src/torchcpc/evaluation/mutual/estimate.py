"""`mutual_information(x, y)`: two arrays of samples in, one number one can quote out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from torchcpc.contracts import CPCError, Result
from torchcpc.evaluation.mutual.crossfit import CrossFit, cross_fit
from torchcpc.evaluation.mutual.elliptical import margins
from torchcpc.evaluation.mutual.neighbours import MOST_DIMENSIONS, NEIGHBOURS, WIDER, neighbours_information
from torchcpc.evaluation.mutual.samples import samples

Z95 = 1.96


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
    of a fitted model, by equal amounts); the interval covers the sampling error and that gap. `detail` holds the value in bits, the
    held-out InfoNCE `lower_bound` (less two standard errors) and its `ceiling` log N, the method, and `warnings`.

    steps: most updates of the critics; batch: rows that compete; most: rows used at most. Raises CPCError for input that cannot be
    measured: see `samples`.
    """
    if min(folds - 1, steps, batch - 1, width, layers, product, most) < 1:
        raise CPCError(
            f"folds = {folds}, steps = {steps}, batch = {batch}, width = {width}, layers = {layers}, product = {product}, "
            f"most = {most}: folds and batch must be at least 2, the others at least 1."
        )
    given = samples(x, y, most=max(most, 50), seed=seed)
    warnings, n = list(given.warnings), len(given.x_ND)
    fitted = cross_fit(
        given.x_ND, given.y_NE, seed=seed, folds=folds, steps=steps, batch=batch, width=width, layers=layers, product=product,
        progress=progress,
    )  # fmt: skip
    ratio_N = fitted.held_out.ratio_N
    held_out = float(ratio_N.mean())
    value = (held_out + fitted.in_sample) / 2
    # A fitted form is half the gap away on either side; of what was learned, training may have left some out as well.
    gap = abs(fitted.in_sample - held_out) * (1.0 if fitted.learned else 0.5)
    error = float(ratio_N.std(ddof=1)) / math.sqrt(n)
    method = _method(fitted)
    dims = given.x_ND.shape[1] + given.y_NE.shape[1]
    if dims <= MOST_DIMENSIONS:
        scores = margins(given.x_ND, np.inf), margins(given.y_NE, np.inf)
        near_N = neighbours_information(*scores, seed=seed)
        near, near_error = float(near_N.mean()), float(near_N.std(ddof=1)) / math.sqrt(n)
        if near > value + 2 * math.hypot(error, near_error):
            wider = float(neighbours_information(*scores, k=WIDER, seed=seed).mean())
            value, error, gap, method = near, near_error, abs(near - wider), f"{NEIGHBOURS} nearest neighbours of normal scores"
    half = math.hypot(Z95 * error, gap)
    low, high = value - half, value + half
    if value == 0:  # nothing was significant: what could have been there unseen is the chi-square's upper end
        high = float(stats.chi2.ppf(0.975, given.x_ND.shape[1] * given.y_NE.shape[1])) / (2 * n)
    ceiling = math.log(fitted.candidates)
    if value < 0:
        warnings.append(
            f"the estimate came out at {value:.3f} nats; mutual information cannot be negative, so it is given as 0"
        )
    if value > ceiling - 1:
        warnings.append(
            f"the estimate is near the ceiling log {fitted.candidates} = {ceiling:.2f} nats of its bound: it may be too low"
        )
    value, low, high = max(value, 0.0), max(low, 0.0), max(high, 0.0)
    return Result(
        "mutual information", value, "nats", n, low, high,
        {
            "bits": value / math.log(2),
            "lower_bound": max(0.0, fitted.held_out.infonce - 2 * error),
            "ceiling": ceiling,
            "candidates": fitted.candidates,
            "method": method,
            "warnings": tuple(warnings),
        },
    )  # fmt: skip


def _method(fitted: CrossFit) -> str:
    kind = "Gaussian" if math.isinf(fitted.nu) else f"Student t ({fitted.nu:g} degrees of freedom)"
    learned = " and a critic learned by InfoNCE" if fitted.learned else ""
    return f"{kind} copula of ranks with {fitted.correlations} canonical correlations{learned}, cross-fitted"
