"""Calibrated scores of whole sources: samples from the marginal distribution, PMI for every pair (t, t+k), and rows of a
file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from torchcpc.contracts import CPCError, Model, Predictor, Progress, Sources, counted, silent
from torchcpc.representations.embed import SourceSteps, frames, steps_of
from torchcpc.representations.rows import clock
from torchcpc.representations.write import Rows
from torchcpc.runs.run import TrainedRun
from torchcpc.scores.calibration import Sample

# Samples are drawn from at most so many sources. More would be embedded for nothing.
_MOST_SOURCES = 512
# The number of contexts whose predictions exist at once. It bounds memory and does not change the result.
_CONTEXTS = 4096


@dataclass(frozen=True, slots=True)
class SampleSpec:
    """How log Z is estimated.

    Attributes:
        samples: The number of samples from the marginal distribution. Default: 4096.
        marginal: The marginal distribution, "all" or "same_group". Default: the one that matches the candidates of
            training.
        correction: The correction of the logarithm of the mean: "delta", "jackknife" or "none".
        seed: Seed of the samples.
    """

    samples: int = 4096
    marginal: str | None = None
    correction: str = "delta"
    seed: int = 0


class Scored(NamedTuple):
    """The pairs (t, t+k) of one sequence at one horizon. All arrays are [T - k].

    Attributes:
        source: The number of the source.
        horizon: The index of the horizon.
        step: The step t of the context.
        pmi: The PMI of the true z_{t+k}, in nats.
        effective: The effective sample size of log Z.
        infonce: log N - loss among the N candidates: the sample and the true step.
        candidates: N.
        pull_G: How much each block of the sample moves the sum of log Z over the contexts.
    """

    source: int
    horizon: int
    step: np.ndarray
    pmi: np.ndarray
    effective: np.ndarray
    infonce: np.ndarray
    candidates: np.ndarray
    pull_G: np.ndarray


class Stacked(NamedTuple):
    """All steps of several sequences, one after the other.

    Attributes:
        z_PD: The steps.
        c_PC: The contexts.
        source_P: The number of the source of each step.
        group_P: The number of its group.
        step_P: The number of the step in its sequence.
        left_P: The number of steps after it.
    """

    z_PD: Tensor
    c_PC: Tensor
    source_P: Tensor
    group_P: Tensor
    step_P: Tensor
    left_P: Tensor

    @classmethod
    def of(cls, embedded: Sequence[SourceSteps]) -> Stacked:
        """Stack embedded sequences."""
        lengths = torch.tensor([len(each.z_TD) for each in embedded])
        owner_P2 = torch.tensor([(each.source, each.group) for each in embedded]).repeat_interleave(lengths, dim=0)
        step_P = torch.cat([torch.arange(len(each.z_TD)) for each in embedded])
        z_PD, c_PC = torch.cat([each.z_TD for each in embedded]), torch.cat([each.c_TC for each in embedded])
        return cls(z_PD, c_PC, owner_P2[:, 0], owner_P2[:, 1], step_P, lengths.repeat_interleave(lengths) - 1 - step_P)


def steps_in(run: TrainedRun, sources: Sources, indices: Sequence[int] | None, stage: str) -> Iterator[SourceSteps]:
    """Iterate over the steps of some sources, numbered as in `sources`.

    Args:
        run: The run.
        sources: The sources.
        indices: Which of them. None: all.
        stage: The name of the stage of work for the listener.
    """
    with run.listener.stage(stage) as progress:
        yield from steps_of(run.model, sources, indices, device=run.device, progress=progress)


def marginal(
    model: Model, sources: Sources, indices: Sequence[int], spec: SampleSpec, device: str = "cpu", progress: Progress = silent
) -> Sample:
    """Draw samples from the marginal distribution: steps without replacement, all equally likely.

    Args:
        model: The model.
        sources: The sources.
        indices: Which of them to draw from. At most 512 of these are used.
        spec: The number of samples and the rest. Without `marginal` it is "all".
        device: The torch device.
        progress: A callback for the progress.

    Returns:
        The sample. Its source numbers are positions in `sources`.

    Raises:
        CPCError: If there are too few steps, or a name is unknown.
    """
    rng = np.random.default_rng(spec.seed)
    chosen = sorted(rng.choice(indices, min(len(indices), _MOST_SOURCES), replace=False).tolist()) if len(indices) else []
    found = steps_of(model, sources, chosen, device=device, progress=progress) if chosen else ()
    # Only z is drawn, so c is not kept.
    if not (embedded := [steps._replace(c_TC=steps.c_TC[:0]) for steps in found if len(steps.z_TD)]):
        raise CPCError("there is no step to draw marginal samples from: hold out more sources, or name longer ones.")
    steps = Stacked.of(embedded)
    drawn = torch.from_numpy(rng.permutation(len(steps.z_PD))[: spec.samples])
    columns = (column[drawn].to(device) for column in (steps.z_PD, steps.source_P, steps.group_P))
    return Sample(*columns, marginal=spec.marginal or "all", correction=spec.correction)


def draw_sample(
    run: TrainedRun, sources: Sources, indices: Sequence[int], spec: SampleSpec, *, scored: Sequence[int] = ()
) -> Sample:
    """Draw samples for a run from the sources at `indices`.

    Without `spec.marginal`, the marginal follows the training. It is "all" if a scored source has no other source of
    its group to draw from, and a note says so.

    Args:
        run: The run.
        sources: The sources.
        indices: Which of them to draw from.
        spec: How log Z is estimated.
        scored: Which of them will be scored.
    """
    chosen = spec.marginal or run.marginal
    if spec.marginal is None and chosen == "same_group" and (alone := _alone(sources, indices, scored)):
        run.listener.note(
            f"note: {counted(len(alone), 'group')} ({', '.join(alone[:3])}{', ...' * (len(alone) > 3)}) without another source to draw "
            "from, so log Z is drawn from all groups."
        )
        chosen = "all"
    with run.listener.stage("log Z") as progress:
        return marginal(run.model, sources, indices, replace(spec, marginal=chosen), run.device, progress)


def _alone(sources: Sources, drawn_from: Sequence[int], scored: Sequence[int]) -> list[str]:
    """Return the groups of scored sources for which no other source gives samples."""
    givers: dict[str, set[int]] = {}
    for i in drawn_from:
        givers.setdefault(sources.items[i].group, set()).add(i)
    return sorted({group for i in scored if not givers.get(group := sources.items[i].group, set()) - {i}})


def pair_pmi(p_AD: Tensor, z_AD: Tensor, log_z_A: Tensor) -> Tensor:
    """Return the PMI in nats of A predictions, each with one step, [A]."""
    return (p_AD * z_AD).sum(dim=-1) - log_z_A


def candidate_pmi(p_AD: Tensor, z_ND: Tensor, log_z_A: Tensor) -> Tensor:
    """Return the PMI in nats of A predictions, each with all of N steps, [A, N]."""
    return p_AD @ z_ND.t() - log_z_A[:, None]


class Contexts(NamedTuple):
    """A contexts at one horizon.

    Attributes:
        p_AD: Their predictions.
        log_z_A: Their log Z.
        pmi_A: The PMI of the true future.
        source_A: The numbers of their sources.
        group_A: The numbers of their groups.
    """

    p_AD: Tensor
    log_z_A: Tensor
    pmi_A: Tensor
    source_A: Tensor
    group_A: Tensor


@torch.inference_mode()
def score_contexts(model: Model, sample: Sample, steps: Stacked, place_A: np.ndarray, index: int) -> Contexts:
    """Score the contexts at places `place_A` of `steps`, at horizon `index`."""
    device, target_A = sample.z_MD.device, place_A + model.predictor.horizons[index]
    p_AD = model.predictor(steps.c_PC[place_A].unsqueeze(0).to(device))[0, :, index]
    source_A, group_A = (column[place_A].to(device) for column in (steps.source_P, steps.group_P))
    log_z_A = sample(p_AD.unsqueeze(1), source_A, group_A)[:, 0]
    return Contexts(p_AD, log_z_A, pair_pmi(p_AD, steps.z_PD[target_A].to(device), log_z_A), source_A, group_A)


@torch.inference_mode()
def score_pairs(model: Model, sample: Sample, steps: SourceSteps, indices: Sequence[int] | None = None) -> list[Scored]:
    """Return the PMI of every pair of one sequence, one entry per horizon. Horizons longer than the sequence are left
    out.

    Args:
        model: The model.
        sample: Samples for log Z.
        steps: The sequence. Its source has the number that it has in the sample.
        indices: The indices of the horizons to score. Default: all.
    """
    p_TKD = model.predictor(steps.c_TC.to(sample.z_MD.device).unsqueeze(0)).squeeze(0)
    z_TD, horizons, scored = steps.z_TD.to(p_TKD.device), model.predictor.horizons, []
    for index in range(len(horizons)) if indices is None else indices:
        if (now := len(p_TKD) - horizons[index]) <= 0:
            continue
        p_A1D = p_TKD[:now, index : index + 1]
        source_A, group_A = (torch.full((now,), value, device=p_TKD.device) for value in (steps.source, steps.group))
        partition = sample.measure(p_A1D, source_A, group_A)
        score_A = (p_A1D[:, 0] * z_TD[horizons[index] :]).sum(dim=-1)
        count_A = partition.drawn[:, 0]
        infonce_A = score_A - torch.logaddexp(score_A, partition.log_sum[:, 0]) + (count_A + 1).log()
        values = (score_A - partition.log_z[:, 0], partition.effective[:, 0], infonce_A, count_A + 1)
        columns = [value.double().cpu().numpy() for value in values]
        pull_G = partition.pull_GK[:, 0].cpu().numpy() * now
        scored.append(Scored(steps.source, index, np.arange(now), *columns, pull_G=pull_G))
    return scored


def pmi_by_target(scored: Sequence[Scored], horizons: Sequence[int], steps: int) -> np.ndarray:
    """Return the PMI of every step of one sequence as predicted k steps before, [K, T]. NaN where nothing predicts it."""
    pmi_KT = np.full((len(horizons), steps), np.nan)
    for pairs in scored:
        pmi_KT[pairs.horizon, pairs.step + horizons[pairs.horizon]] = pairs.pmi
    return pmi_KT


def score_rows(run: TrainedRun, sources: Sources, indices: Sequence[int], sample: Sample) -> Iterator[Rows]:
    """Iterate over rows with the scores of all pairs of the sources at `indices`.

    The columns are:

    - source: the key of the source.
    - sequence: 0, or the column of a picture.
    - step: the step t of the context.
    - k: steps ahead.
    - time_s: when step t+k begins, in seconds.
    - pmi: the score in nats.
    - surprise: -pmi.
    - effective: the effective sample size of log Z.

    Args:
        run: The run.
        sources: The sources.
        indices: Which of them to score.
        sample: Samples for log Z. Its source numbers are positions in `sources`.
    """
    horizons, when = run.model.predictor.horizons, clock(sources, run.model.encoder.stride)
    for steps in steps_in(run, sources, indices, "scoring"):
        for pairs in score_pairs(run.model, sample, steps):
            k, count = horizons[pairs.horizon], len(pairs.step)
            pmi, effective = pairs.pmi.astype(np.float32), pairs.effective.astype(np.float32)
            where = {"source": [sources.items[steps.source].key] * count, "sequence": np.full(count, steps.sequence)}
            ahead = {"step": pairs.step, "k": np.full(count, k), "time_s": when(steps.source, pairs.step + k)}
            yield {**where, **ahead, "pmi": pmi, "surprise": -pmi, "effective": effective}


def pmi_by_step(
    model: Model, sources: Sources, sample: Sample, *, positions_per_batch: int = 1_000_000, device: str = "cpu"
) -> list[np.ndarray]:
    """Return the PMI of every step of each source, the mean over all k that predict it.

    Its negative is the surprise. All is done in memory.

    Args:
        model: The model.
        sources: The sources.
        sample: Samples for log Z.
        positions_per_batch: Raw positions that are embedded at once.
        device: The torch device.

    Returns:
        One float32 array [T] per source, in nats. NaN where nothing predicts the step.
    """
    # In float64, because a PMI near 0 is a difference of numbers near log M. In float32 its rounding would depend on the batch.
    predictor = cast(Predictor, cast(nn.Module, deepcopy(model.predictor)).double())
    wide = Sample(sample.z_MD.double(), sample.source_M, sample.group_M, marginal=sample.marginal, correction=sample.correction)
    z, c = frames(model, sources, positions_per_batch=positions_per_batch, device=device)
    return [_mean_pmi(predictor, wide, z_TD, c_TC) for z_TD, c_TC in zip(z, c, strict=True)]


@torch.inference_mode()
def _mean_pmi(predictor: Predictor, sample: Sample, z_TD: np.ndarray, c_TC: np.ndarray) -> np.ndarray:
    """Return the mean PMI of every step of one sequence."""
    z, c = (torch.from_numpy(rows).to(sample.z_MD.device, torch.float64) for rows in (z_TD, c_TC))
    total_T, count_T = z.new_zeros(len(z)), z.new_zeros(len(z))
    for first in range(0, len(c), _CONTEXTS):
        p_AKD = predictor(c[None, first : first + _CONTEXTS])[0]
        log_z_AK = sample(p_AKD)
        for index, k in enumerate(predictor.horizons):
            target_AD = z[first + k : first + k + len(p_AKD)]
            now, reached = slice(0, len(target_AD)), slice(first + k, first + k + len(target_AD))
            total_T[reached] += pair_pmi(p_AKD[now, index], target_AD, log_z_AK[now, index])
            count_T[reached] += 1
    return (total_T / count_T).float().cpu().numpy()
