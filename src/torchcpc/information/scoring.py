"""Calibrated scores of whole sources: marginal samples drawn by source, then PMI for every pair (t, t+k)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from torchcpc.contracts import CPCError, Sources
from torchcpc.representations.embed import embed_all
from torchcpc.scores.calibration import Sample

# Sources that samples are drawn from at most: more of them would be embedded for nothing.
_MOST_SOURCES = 512


class Steps(NamedTuple):
    """All steps of one sequence: the number of its source, that of its group, z_TD and c_TC."""

    source: int
    group: int
    z_TD: Tensor
    c_TC: Tensor
    sequence: int = 0


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


def steps_of(model: Any, sequences: Sources, *, device: str = "cpu", progress: Callable[[int, int], None]) -> Iterator[Steps]:
    """Every sequence of every source whole, however many pieces it was embedded in."""
    pieces = embed_all(model, sequences, device=device, progress=progress)
    for (source, sequence), own in groupby(pieces, key=lambda piece: (piece.source, piece.sequence)):
        parts = list(own)
        z_TD, c_TC = (np.concatenate([part[column] for part in parts]) for column in (1, 2))
        yield Steps(source, sequences.group(source), torch.from_numpy(z_TD), torch.from_numpy(c_TC), sequence)


def silent(done: int, total: int) -> None:
    """No progress shown."""


def marginal(
    model: Any,
    sources: Any,
    indices: list[int],
    *,
    count: int,
    proposal: str = "all",
    correction: str = "delta",
    seed: int = 0,
    device: str = "cpu",
    progress: Callable[[int, int], None] = silent,
) -> Sample:
    """`count` steps drawn without replacement, all steps alike, from at most 512 of the sources at `indices`.

    The sample's source numbers are positions in `sources`. Raises CPCError for a proposal that is unknown or too few steps.
    """
    rng = np.random.default_rng(seed)
    chosen = sorted(rng.choice(indices, min(len(indices), _MOST_SOURCES), replace=False).tolist()) if indices else []
    found = list(steps_of(model, sources.select(chosen), device=device, progress=progress)) if chosen else []
    total = sum(len(steps.z_TD) for steps in found)
    if not total:
        raise CPCError("there is no step to draw marginal samples from: hold out more sources, or name longer ones.")
    kept = torch.from_numpy(rng.permutation(total)[:count])
    source_P = torch.cat([torch.full((len(steps.z_TD),), chosen[steps.source]) for steps in found])
    group_P = torch.cat([torch.full((len(steps.z_TD),), steps.group) for steps in found])
    z_PD = torch.cat([steps.z_TD for steps in found])
    columns = (column[kept].to(device) for column in (z_PD, source_P, group_P))
    return Sample(*columns, proposal=proposal, correction=correction)


@torch.inference_mode()
def score_pairs(model: Any, sample: Sample, steps: Steps, number: int) -> tuple[list[Scored], Tensor]:
    """PMI of every pair of one sequence, horizon by horizon, and how each block of the sample pulls the sum of log Z: [G, K].

    number: the position of the source in the numbers of the sample.
    """
    p_TKD = model.predictor(steps.c_TC.to(sample.z_MD.device).unsqueeze(0)).squeeze(0)
    z_TD = steps.z_TD.to(p_TKD.device)
    T = len(p_TKD)
    made: list[Scored] = []
    pull_GK = torch.zeros(0)
    for index, k in enumerate(model.predictor.horizons):
        now = max(T - k, 0)
        p_A1D = p_TKD[:now, index : index + 1]
        source_A, group_A = (torch.full((now,), value, device=p_TKD.device) for value in (number, steps.group))
        if not now:
            continue
        found = sample.measure(p_A1D, source_A, group_A)
        if not len(pull_GK):
            pull_GK = torch.zeros(len(found.pull_GK), len(model.predictor.horizons))
        pull_GK[:, index] = found.pull_GK[:, 0].cpu() * now
        score_A = (p_A1D[:, 0] * z_TD[k:]).sum(dim=-1)
        log_z_A, count_A = found.log_z[:, 0], found.drawn[:, 0]
        infonce_A = score_A - torch.logaddexp(score_A, found.log_sum[:, 0]) + (count_A + 1).log()
        values = (score_A - log_z_A, log_z_A, found.effective[:, 0], infonce_A, count_A + 1)
        made.append(Scored(number, index, np.arange(now), *(value.double().cpu().numpy() for value in values)))
    return made, pull_GK
