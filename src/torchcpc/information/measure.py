"""I(z_{t+k}; c_t) per step k on held-out sources: the InfoNCE bound and the calibrated mean PMI, each with its interval.

Two numbers, because neither alone can be trusted. log N - L is a lower bound, in expectation, for candidates that are independent
of the pair and of one another; candidates here are steps of other sources, so independent of the pair, but neighbouring steps of one
source resemble each other, and N counts them as if they did not. It cannot pass its ceiling log N. The calibrated mean PMI has no
such ceiling, but is a bound in neither direction for a learned score; where few samples carry exp F it is too high. It estimates what
the score expresses of I(z_{t+k}; c_t), which is at most I(x_{t+k}; x_{<=t}).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from torchcpc.contracts import CPCError, Estimand, Model, Progress, Sources, silent
from torchcpc.data.synthetic.process import Process
from torchcpc.information.against_truth import compare_with_truth, process_of
from torchcpc.information.checks import check, worst
from torchcpc.information.result import Checks, InformationRow, InformationTable, TruthComparison
from torchcpc.information.score_profiles import score_profiles
from torchcpc.information.scoring import Scored, candidate_pmi, pair_pmi, score_pairs
from torchcpc.representations.embed import SourceSteps, steps_of
from torchcpc.runs.held_out import UNMATCHED, PartitionSplit, matching_proposal
from torchcpc.runs.run import TrainedRun
from torchcpc.scores.calibration import Sample
from torchcpc.statistics.intervals import mean_interval

# An effective sample size below this: log Z rests on a handful of samples.
FEW = 10
# Contexts, and candidates of each, in the checks of a horizon.
_CHECKED, _AGAINST = 512, 256


def measure(run: TrainedRun, sources: Sources, split: PartitionSplit, sample: Sample) -> InformationTable:
    """The table of a run on the sources of `split.evaluated`; sample: drawn from those of `split.partition`.

    Beside a known process where the sources have one. Raises CPCError as `measure_horizons` does.
    """
    with run.listener.stage("measuring") as progress:
        rows, steps = measure_horizons(
            run.model,
            sample,
            sources,
            split.evaluated,
            process=process_of(sources, sample.proposal),
            device=run.device,
            progress=progress,
        )
    index = run.first_disjoint_horizon
    return InformationTable(
        sample.estimand,
        split.origin,
        cautions(sample.estimand, rows, run.strategy),
        rows,
        run.model.predictor.horizons[index],
        score_profiles(run.model, sample, steps, [item.key for item in sources.items], index=index),
    )


def measure_horizons(
    model: Model,
    sample: Sample,
    sources: Sources,
    indices: Sequence[int],
    *,
    process: Process | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress = silent,
) -> tuple[tuple[InformationRow, ...], tuple[SourceSteps, ...]]:
    """The rows, and the steps they were measured on, of the sources at `indices`, which neither training nor `sample` may have seen.

    process: that made `sources`, if known. Intervals (95 %): evaluated sources are drawn again (bootstrap); that of the PMI is widened
    by the error of log Z from the spread between the sample's sources. Raises CPCError where sample and evaluation share a source, or
    no source is long enough.
    """
    if shared := set(indices) & set(sample.source_M.tolist()):
        raise CPCError(f"{len(shared)} sources are both in the partition sample and evaluated: keep the two apart.")
    scored: list[Scored] = []
    embedded: list[SourceSteps] = []
    pull_GK, horizons = torch.zeros(0), model.predictor.horizons
    for steps in steps_of(model, sources.select(list(indices)), device=device, progress=progress):
        number = indices[steps.source]
        pairs, pull = score_pairs(model, sample, steps, number)
        scored += pairs
        embedded.append(steps._replace(source=number))
        if len(pull):
            pull_GK = pull + (pull_GK if len(pull_GK) else 0)
    rows = []
    for index, k in enumerate(horizons):
        if not (reached := [pairs for pairs in scored if pairs.horizon == index]):
            continue
        pull_G, n = pull_GK[:, index].double().numpy(), sum(len(pairs.pmi) for pairs in reached)
        # Between-block sandwich of the mean of log Z over all contexts, as in the delta correction.
        blocks = np.count_nonzero(pull_G)
        error = math.sqrt((np.square(pull_G / n).sum()) * blocks / max(blocks - 1, 1))
        truth = None
        if process is not None:
            pmi, source = [pairs.pmi for pairs in reached], [pairs.source for pairs in reached]
            truth = compare_with_truth(process, sources, k, pmi, source, error)
        rows.append(_row(k, reached, error, _checks(model, sample, embedded, index, seed), truth))
    if not rows:
        raise CPCError(f"no evaluated source is longer than k = {horizons[0]} steps: name longer ones.")
    return tuple(rows), tuple(embedded)


def cautions(estimand: Estimand, rows: Sequence[InformationRow], strategy: str | None = None) -> tuple[str, ...]:
    """Why the numbers should be read with care, each a sentence; strategy: of the candidates the score was trained against."""
    sentences = []
    if estimand.sources < FEW:
        sentences.append(
            f"log Z rests on {estimand.sources} sources, too few to tell its error: intervals of the PMI are too narrow; "
            "name more sources."
        )
    if dominated := [row.k for row in rows if row.dominated > 0.1]:
        sentences.append(
            f"at k = {', '.join(map(str, dominated))} log Z rests on fewer than {FEW} samples for more than a tenth of the contexts: "
            "PMI is too high there; use more samples (--samples) from more sources."
        )
    if not_normal := worst([row.checks for row in rows if row.checks]):
        sentences.append(not_normal)
    if strategy in UNMATCHED or (strategy is not None and matching_proposal(strategy) != estimand.proposal):
        sentences.append(
            f"the score was trained against candidates '{strategy}' and calibrated against '{estimand.proposal}': "
            "it is a proper density ratio, but not the one it was trained for."
        )
    return tuple(sentences)


def _row(
    k: int, scored: Sequence[Scored], error: float, checks: Checks | None, truth: TruthComparison | None
) -> InformationRow:
    # The columns of a picture are no independent sources.
    source_E = np.unique([pairs.source for pairs in scored], return_inverse=True)[1]
    pairs_S = np.bincount(source_E, [len(pairs.pmi) for pairs in scored])
    infonce_S, pmi_S = (
        np.bincount(source_E, [value_A.sum() for value_A in values])
        for values in ([pairs.infonce for pairs in scored], [pairs.pmi for pairs in scored])
    )
    candidates, effective = (
        np.concatenate(values) for values in zip(*((p.candidates, p.effective) for p in scored), strict=True)
    )
    return InformationRow(
        k,
        infonce=mean_interval(infonce_S, pairs_S).widened(0.0),
        pmi=mean_interval(pmi_S, pairs_S).widened(1.96 * error),
        ceiling=float(np.log(candidates).mean()),
        candidates=float(candidates.mean()),
        n=int(pairs_S.sum()),
        sources=len(pairs_S),
        effective=float(np.median(effective)),
        dominated=float((effective < FEW).mean()),
        checks=checks,
        truth=truth,
    )


@torch.inference_mode()
def _checks(model: Model, sample: Sample, embedded: Sequence[SourceSteps], index: int, seed: int) -> Checks | None:
    """Joint pairs of evaluated contexts beside products with evaluated steps of other sources; None where there is no such step."""
    k, rng = model.predictor.horizons[index], np.random.default_rng([seed, index])
    source_P = np.concatenate([np.full(len(s.z_TD), s.source) for s in embedded])
    group_P = np.concatenate([np.full(len(s.z_TD), s.group) for s in embedded])
    z_PD, c_PC = torch.cat([s.z_TD for s in embedded]), torch.cat([s.c_TC for s in embedded])
    ahead = np.concatenate([np.arange(len(s.z_TD)) < len(s.z_TD) - k for s in embedded])
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
    joint_A = pair_pmi(p_A1D[:, 0], z_PD[anchor_A + k].to(device), log_z_A)
    product_AM = candidate_pmi(p_A1D[:, 0], z_PD[drawn_M].to(device), log_z_A)
    product = np.where(allowed_AM, product_AM.double().cpu().numpy(), np.nan)
    return check(joint_A.double().cpu().numpy(), product, log_z_A.double().cpu().numpy())
