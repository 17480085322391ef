"""How much of a known truth the scores captured: calibrated PMI beside the exact log ratio, pair by pair, where a process made the data.

Both are taken on the very same pairs, so what the draw of the sequences adds to either cancels in their ratio. The scores see z and
c, the exact ratio sees x and all of the past, and I(z_{t+k}; c_t) <= I(x_{t+k}; x_{<=t}): what is missing was lost by the encoder,
by the context, or by a score that cannot express the ratio. A share above 1 is an error of the calibration, never a discovery.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from torchcpc.contracts import Result
from torchcpc.data.arrays import Arrays
from torchcpc.data.synthetic.process import Process
from torchcpc.statistics.intervals import mean_interval

# Nats below which there is nothing to take a share of.
LEAST = 0.01


@dataclass(frozen=True, slots=True)
class Truth:
    """The process behind `sources`, under the proposal that the scores are calibrated for."""

    process: Process
    sources: Arrays

    def ratio(self, source: int, k: int) -> np.ndarray:
        """log p(x_{t+k} | x_<=t) / q(x_{t+k}) of every pair of one source, nats: [T - k]. The past begins with the source."""
        x_TD = self.sources.arrays[source]
        belief_TS = self.process.belief(x_TD[None])[0]
        return self.process.log_ratio(x_TD[k:].astype(np.float64), belief_TS[: len(x_TD) - k], k)


@dataclass(frozen=True, slots=True)
class Captured:
    """One horizon. information: I(x_{t+k}; x_{<=t}) of the whole past; exact: the mean exact log ratio of the evaluated pairs, whose
    past begins with their source; share: mean PMI over `exact` (None below LEAST); slope of PMI on the exact ratio (NaN where that
    does not vary) and rmse, the root mean square of their difference."""

    information: Result
    exact: Result
    share: Result | None
    slope: float
    rmse: float


def captured(
    truth: Truth, k: int, pmi: Sequence[np.ndarray], source: Sequence[int], error: float, *, least: float = LEAST
) -> Captured:
    """pmi: those of all pairs of each sequence; source: whose they are; error: standard error of the mean of log Z, nats."""
    exact = [truth.ratio(number, k) for number in source]
    place_E = np.unique(source, return_inverse=True)[1]
    exact_S, pmi_S, pairs_S = (
        np.bincount(place_E, values)
        for values in ([each.sum() for each in exact], [each.sum() for each in pmi], [len(each) for each in pmi])
    )
    n, mean = int(pairs_S.sum()), mean_interval(exact_S, pairs_S)
    share = None
    if mean.mean > least:
        found = mean_interval(pmi_S, exact_S)
        extra = 1.96 * error / mean.mean
        low, high = (
            found.mean + sign * math.hypot(end - found.mean, extra) for sign, end in ((-1, found.low), (1, found.high))
        )
        share = Result("share captured", found.mean, "of the exact information", n, low, high)
    slope, rmse = agreement(np.concatenate(pmi), np.concatenate(exact))[::2]
    return Captured(
        truth.process.information(k), Result("exact", mean.mean, "nats", n, mean.low, mean.high), share, slope, rmse
    )


def agreement(pmi_A: np.ndarray, exact_A: np.ndarray) -> tuple[float, float, float]:
    """(slope of PMI on the exact ratio, R2 as squared correlation, root mean square difference in nats); the first two are NaN for
    a constant ratio."""
    rmse = float(np.sqrt(np.mean((pmi_A - exact_A) ** 2)))
    if exact_A.std() < 1e-9:
        return math.nan, math.nan, rmse
    (a, b), (_, c) = np.cov(exact_A, pmi_A)
    return float(b / a), float(b * b / (a * c)) if c > 0 else 0.0, rmse
