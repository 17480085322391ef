"""How much of a known truth the scores captured: calibrated PMI beside the exact log ratio, pair by pair, where a process made the data.

Both are taken on the very same pairs, so what the draw of the sequences adds to either cancels in their ratio. The scores see z and
c, the exact ratio sees x and all of the past, and I(z_{t+k}; c_t) <= I(x_{t+k}; x_{<=t}): what is missing was lost by the encoder,
by the context, or by a score that cannot express the ratio. A share above 1 is an error of the calibration, never a discovery.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from torchcpc.contracts import Sources, provides
from torchcpc.data.synthetic.process import Process
from torchcpc.data.synthetic.reader import KnownProcess
from torchcpc.information.result import TruthComparison
from torchcpc.results import Interval
from torchcpc.statistics.intervals import mean_interval

# Nats below which there is nothing to take a share of.
LEAST = 0.01


def process_of(sources: Sources, proposal: str) -> Process | None:
    """The process that made `sources`, where they know it, its exact ratios taken under `proposal`."""
    return sources.process(proposal) if provides(sources, KnownProcess) else None


def exact_ratios(process: Process, sources: Sources, source: int, k: int) -> np.ndarray:
    """[T - k] log p(x_{t+k} | x_<=t) / q(x_{t+k}) in nats of every pair of one source. Its past begins with the source."""
    x_TD = sources.read(source, 0, sources.length(source))
    belief_TS = process.belief(x_TD[None])[0]
    return process.log_ratio(x_TD[k:].astype(np.float64), belief_TS[: len(x_TD) - k], k)


def compare_with_truth(
    process: Process, sources: Sources, k: int, pmi: Sequence[np.ndarray], source: Sequence[int], error: float
) -> TruthComparison:
    """One horizon. pmi: of all pairs of each sequence; source: to which each belongs; error: standard error of the mean of log Z, nats."""
    exact = [exact_ratios(process, sources, number, k) for number in source]
    place_E = np.unique(source, return_inverse=True)[1]
    exact_S, pmi_S, pairs_S = (
        np.bincount(place_E, values)
        for values in ([each.sum() for each in exact], [each.sum() for each in pmi], [len(each) for each in pmi])
    )
    mean, share = mean_interval(exact_S, pairs_S), None
    if mean.mean > LEAST:
        share = mean_interval(pmi_S, exact_S).widened(1.96 * error / mean.mean)
    slope, _, rmse = agreement(np.concatenate(pmi), np.concatenate(exact))
    known = process.information(k)
    exact_I = Interval(known.value, *(math.nan if end is None else end for end in (known.low, known.high)))
    return TruthComparison(exact_I, mean, share, slope, rmse)


def agreement(pmi_A: np.ndarray, exact_A: np.ndarray) -> tuple[float, float, float]:
    """(slope of PMI on the exact ratio, R2 as squared correlation, root mean square difference in nats); the first two are NaN for
    a constant ratio."""
    rmse = float(np.sqrt(np.mean((pmi_A - exact_A) ** 2)))
    if exact_A.std() < 1e-9:
        return math.nan, math.nan, rmse
    (a, b), (_, c) = np.cov(exact_A, pmi_A)
    return float(b / a), float(b * b / (a * c)) if c > 0 else 0.0, rmse
