"""Calibrated scores of whole sources: marginal samples drawn by source, then PMI for every pair (t, t+k)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from torchcpc.contracts import CPCError, Model, Progress, Sources, silent
from torchcpc.representations.embed import SourceSteps, steps_of
from torchcpc.runs.run import TrainedRun
from torchcpc.scores.calibration import Sample

# Sources that samples are drawn from at most: more of them would be embedded for nothing.
_MOST_SOURCES = 512


@dataclass(frozen=True, slots=True)
class SampleSpec:
    """How log Z is estimated. samples: of the marginal; proposal: None for that of training; correction: of the log of a mean."""

    samples: int = 4096
    proposal: str | None = None
    correction: str = "delta"
    seed: int = 0


class Scored(NamedTuple):
    """The pairs (t, t+k) of one sequence at one horizon index, all [T - k]: step t; pmi of the true z_{t+k}; and, of the contexts,
    log_z, effective sample size and infonce, the value log N - loss among the N candidates, the sample and itself."""

    source: int
    horizon: int
    step: np.ndarray
    pmi: np.ndarray
    log_z: np.ndarray
    effective: np.ndarray
    infonce: np.ndarray
    candidates: np.ndarray


def marginal(
    model: Model,
    sources: Sources,
    indices: Sequence[int],
    *,
    count: int,
    proposal: str = "all",
    correction: str = "delta",
    seed: int = 0,
    device: str = "cpu",
    progress: Progress = silent,
) -> Sample:
    """`count` steps drawn without replacement, all steps alike, from at most 512 of the sources at `indices`.

    The sample's source numbers are positions in `sources`. Raises CPCError for a proposal that is unknown or too few steps.
    """
    rng = np.random.default_rng(seed)
    chosen = sorted(rng.choice(indices, min(len(indices), _MOST_SOURCES), replace=False).tolist()) if len(indices) else []
    embedded = list(steps_of(model, sources.select(chosen), device=device, progress=progress)) if chosen else []
    total = sum(len(steps.z_TD) for steps in embedded)
    if not total:
        raise CPCError("there is no step to draw marginal samples from: hold out more sources, or name longer ones.")
    drawn = torch.from_numpy(rng.permutation(total)[:count])
    source_P = torch.cat([torch.full((len(steps.z_TD),), chosen[steps.source]) for steps in embedded])
    group_P = torch.cat([torch.full((len(steps.z_TD),), steps.group) for steps in embedded])
    z_PD = torch.cat([steps.z_TD for steps in embedded])
    columns = (column[drawn].to(device) for column in (z_PD, source_P, group_P))
    return Sample(*columns, proposal=proposal, correction=correction)


def draw_sample(run: TrainedRun, sources: Sources, indices: Sequence[int], spec: SampleSpec) -> Sample:
    """The marginal sample of a run from the sources at `indices`, as `spec` says."""
    with run.listener.stage("log Z") as progress:
        return marginal(
            run.model, sources, indices, count=spec.samples, proposal=spec.proposal or run.proposal, correction=spec.correction,
            seed=spec.seed, device=run.device, progress=progress,
        )  # fmt: skip


def pair_pmi(p_AD: Tensor, z_AD: Tensor, log_z_A: Tensor) -> Tensor:
    """[A] PMI in nats of A predictions, each with a step of its own."""
    return (p_AD * z_AD).sum(dim=-1) - log_z_A


def candidate_pmi(p_AD: Tensor, z_ND: Tensor, log_z_A: Tensor) -> Tensor:
    """[A, N] PMI in nats of A predictions, each with all of N steps."""
    return p_AD @ z_ND.t() - log_z_A[:, None]


@torch.inference_mode()
def score_pairs(
    model: Model, sample: Sample, steps: SourceSteps, number: int, indices: Sequence[int] | None = None
) -> tuple[list[Scored], Tensor]:
    """PMI of every pair of one sequence, horizon by horizon, and how each block of the sample pulls the sum of log Z: [G, K].

    number: the position of the source in the numbers of the sample; indices: of the horizons to score, all by default. A horizon that
    the sequence does not reach is left out.
    """
    p_TKD = model.predictor(steps.c_TC.to(sample.z_MD.device).unsqueeze(0)).squeeze(0)
    z_TD = steps.z_TD.to(p_TKD.device)
    horizons = model.predictor.horizons
    scored: list[Scored] = []
    pull_GK = torch.zeros(0)
    for index in range(len(horizons)) if indices is None else indices:
        k = horizons[index]
        if (now := len(p_TKD) - k) <= 0:
            continue
        p_A1D = p_TKD[:now, index : index + 1]
        source_A, group_A = (torch.full((now,), value, device=p_TKD.device) for value in (number, steps.group))
        partition = sample.measure(p_A1D, source_A, group_A)
        if not len(pull_GK):
            pull_GK = torch.zeros(len(partition.pull_GK), len(horizons))
        pull_GK[:, index] = partition.pull_GK[:, 0].cpu() * now
        score_A = (p_A1D[:, 0] * z_TD[k:]).sum(dim=-1)
        log_z_A, count_A = partition.log_z[:, 0], partition.drawn[:, 0]
        infonce_A = score_A - torch.logaddexp(score_A, partition.log_sum[:, 0]) + (count_A + 1).log()
        values = (score_A - log_z_A, log_z_A, partition.effective[:, 0], infonce_A, count_A + 1)
        scored.append(Scored(number, index, np.arange(now), *(value.double().cpu().numpy() for value in values)))
    return scored, pull_GK


def pmi_of_pairs(model: Model, sample: Sample, steps: SourceSteps, number: int, index: int) -> np.ndarray:
    """[T - k] PMI in nats of the pairs (t, t+k) of one sequence at horizon `index`; empty where it is too short."""
    scored, _ = score_pairs(model, sample, steps, number, [index])
    return scored[0].pmi if scored else np.zeros(0)


def pmi_by_target(scored: Sequence[Scored], horizons: Sequence[int], steps: int) -> np.ndarray:
    """[K, T] PMI of every step of one sequence as it was predicted k steps before; NaN where nothing predicts it."""
    pmi_KT = np.full((len(horizons), steps), np.nan)
    for pairs in scored:
        pmi_KT[pairs.horizon, pairs.step + horizons[pairs.horizon]] = pairs.pmi
    return pmi_KT
