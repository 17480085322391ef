"""I(z_{t+k}; c_t) per step k on held-out sources: the InfoNCE bound and the calibrated mean PMI, each with its interval.

Two numbers, because neither alone can be trusted. log N - L is a lower bound, in expectation, for candidates that are independent
of the pair and of one another; candidates here are steps of other sources, so independent of the pair, but neighbouring steps of one
source resemble each other, and N counts them as if they did not. It cannot pass its ceiling log N. The calibrated mean PMI has no
such ceiling, but is a bound in neither direction for a learned score; where few samples carry exp F it is too high. It estimates what
the score expresses of I(z_{t+k}; c_t), which is at most I(x_{t+k}; x_{<=t}).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from torchcpc.contracts import CPCError, Result
from torchcpc.information.against_truth import Captured, Truth, captured
from torchcpc.information.checks import Checks, check
from torchcpc.information.scoring import Scored, Steps, score_pairs, silent, steps_of
from torchcpc.scores.calibration import Estimand, Sample
from torchcpc.statistics.intervals import mean_interval

# An effective sample size below this: log Z rests on a handful of samples.
FEW = 10
# Contexts, and candidates of each, in the checks of a horizon.
_CHECKED, _AGAINST = 512, 256


@dataclass(frozen=True, slots=True)
class Information:
    """One horizon k. infonce and pmi: Results in nats, detail holds "ceiling" (log N) and "candidates" (N); n is pairs; sources;
    effective: median effective sample size of log Z; dominated: share of contexts where it is below FEW; captured: beside the
    known truth, None where none is known."""

    k: int
    infonce: Result
    pmi: Result
    sources: int
    effective: float
    dominated: float
    checks: Checks | None
    captured: Captured | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """All horizons, what the numbers estimate, and the steps they were measured on."""

    estimand: Estimand
    rows: tuple[Information, ...]
    steps: tuple[Steps, ...]


def information(
    model: Any,
    sample: Sample,
    sources: Any,
    indices: Sequence[int],
    *,
    truth: Truth | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Callable[[int, int], None] = silent,
) -> Measured:
    """The table on the sources at `indices`, which neither training nor `sample` may have seen; truth: of `sources`, if known.

    Intervals (95 %): evaluated sources are drawn again (bootstrap); that of the PMI is widened by the error of log Z from the spread
    between the sample's sources. Raises CPCError where sample and evaluation share a source, or no source is long enough.
    """
    shared = set(indices) & set(sample.source_M.tolist())
    if shared:
        raise CPCError(f"{len(shared)} sources are both in the partition sample and evaluated: keep the two apart.")
    scored: list[Scored] = []
    kept: list[Steps] = []
    pull_GK, horizons = torch.zeros(0), model.predictor.horizons
    for steps in steps_of(model, sources.select(list(indices)), device=device, progress=progress):
        number = indices[steps.source]
        made, pull = score_pairs(model, sample, steps, number)
        scored += made
        kept.append(steps._replace(source=number))
        if len(pull):
            pull_GK = pull + (pull_GK if len(pull_GK) else 0)
    rows = []
    for index, k in enumerate(horizons):
        own = [each for each in scored if each.horizon == index]
        if own:
            rows.append(_row(k, own, pull_GK[:, index].double().numpy(), _checks(model, sample, kept, index, seed), truth))
    if not rows:
        raise CPCError(f"no evaluated source is longer than k = {horizons[0]} steps: name longer ones.")
    return Measured(sample.estimand, tuple(rows), tuple(kept))


def _row(k: int, own: Sequence[Scored], pull_G: np.ndarray, checks: Checks | None, truth: Truth | None) -> Information:
    # The columns of a picture are no independent sources.
    source_E = np.unique([each.source for each in own], return_inverse=True)[1]
    pairs_S = np.bincount(source_E, [len(each.pmi) for each in own])
    n = int(pairs_S.sum())
    # Between-block sandwich of the mean of log Z over all contexts, as in the delta correction.
    blocks = np.count_nonzero(pull_G)
    error = math.sqrt((np.square(pull_G / n).sum()) * blocks / max(blocks - 1, 1))
    results = {}
    size = float(np.concatenate([each.candidates for each in own]).mean())
    ceiling = float(np.log(np.concatenate([each.candidates for each in own])).mean())
    for name, extra in (("infonce", 0.0), ("pmi", 1.96 * error)):
        sum_S = np.bincount(source_E, [getattr(each, name).sum() for each in own])
        interval = mean_interval(sum_S, pairs_S)
        low, high = (
            interval.mean + sign * math.hypot(end - interval.mean, extra)
            for sign, end in ((-1, interval.low), (1, interval.high))
        )
        results[name] = Result(name, interval.mean, "nats", n, low, high, {"ceiling": ceiling, "candidates": size, "k": k})
    effective = np.concatenate([each.effective for each in own])
    return Information(
        k,
        results["infonce"],
        results["pmi"],
        len(pairs_S),
        float(np.median(effective)),
        float((effective < FEW).mean()),
        checks,
        captured(truth, k, [each.pmi for each in own], [each.source for each in own], error) if truth else None,
    )


@torch.inference_mode()
def _checks(model: Any, sample: Sample, kept: Sequence[Steps], index: int, seed: int) -> Checks | None:
    """Joint pairs of evaluated contexts beside products with evaluated steps of other sources; None where there is no such step."""
    k, rng = model.predictor.horizons[index], np.random.default_rng([seed, index])
    source_P = np.concatenate([np.full(len(s.z_TD), s.source) for s in kept])
    group_P = np.concatenate([np.full(len(s.z_TD), s.group) for s in kept])
    z_PD, c_PC = torch.cat([s.z_TD for s in kept]), torch.cat([s.c_TC for s in kept])
    ahead = np.concatenate([np.arange(len(s.z_TD)) < len(s.z_TD) - k for s in kept])
    anchor_A = rng.permutation(np.flatnonzero(ahead))[:_CHECKED]
    drawn_M = rng.permutation(len(z_PD))[:_AGAINST]
    allowed_AM = source_P[anchor_A][:, None] != source_P[drawn_M]
    if sample.proposal == "same_group":
        allowed_AM &= group_P[anchor_A][:, None] == group_P[drawn_M]
    usable = allowed_AM.any(axis=1)
    anchor_A, allowed_AM = anchor_A[usable], allowed_AM[usable]
    if len(anchor_A) < 2:
        return None
    device = sample.z_MD.device
    p_A1D = model.predictor(c_PC[anchor_A].unsqueeze(0).to(device))[0, :, index : index + 1]
    source_A, group_A = (torch.from_numpy(column[anchor_A]).to(device) for column in (source_P, group_P))
    log_z_A = sample(p_A1D, source_A, group_A)[:, 0]
    joint_A = (p_A1D[:, 0] * z_PD[anchor_A + k].to(device)).sum(-1) - log_z_A
    product_AM = p_A1D[:, 0] @ z_PD[drawn_M].to(device).t() - log_z_A[:, None]
    product = np.where(allowed_AM, product_AM.double().cpu().numpy(), np.nan)
    return check(joint_A.double().cpu().numpy(), product, log_z_A.double().cpu().numpy())
