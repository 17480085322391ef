"""I(z_{t+k}; c_t) for each step k on held-out sources: the InfoNCE bound and the calibrated mean PMI, each with its
interval.

There are two numbers, because neither is reliable alone. log N - L is a lower bound in expectation, for candidates
that are independent of the pair and of each other. Candidates here are steps of other sources, so they are
independent of the pair. But neighbouring steps of one source are similar, and N counts them as independent. The bound
cannot exceed its ceiling log N.

The calibrated mean PMI has no ceiling. For a learned score it is no bound in either direction. It is too high where
few samples carry exp F. It estimates the part of I(z_{t+k}; c_t) that the score expresses. This is at most I(x_{t+k};
x_{<=t}).
"""

import math
from collections.abc import Sequence

import numpy as np
import torch

from torchcpc.contracts import CPCError, Estimand, Model, Sources
from torchcpc.data.synthetic.process import Process
from torchcpc.information.candidates import score_profiles
from torchcpc.information.checks import check_calibration, compare_with_truth, sums_by_source, worst
from torchcpc.information.result import Checks, InformationRow, InformationTable, TruthComparison
from torchcpc.information.scoring import Scored, Stacked, candidate_pmi, score_contexts, score_pairs, steps_in
from torchcpc.representations.embed import SourceSteps
from torchcpc.runs.run import UNMATCHED, PartitionSplit, TrainedRun, matching_marginal
from torchcpc.scores.calibration import Sample
from torchcpc.statistics.intervals import mean_interval

# With an effective sample size below this, a handful of samples determines log Z.
FEW_EFFECTIVE = 10
# The number of contexts in the checks of a horizon, and of candidates of each.
_CHECKED, _AGAINST = 512, 256


def measure(run: TrainedRun, sources: Sources, split: PartitionSplit, sample: Sample) -> InformationTable:
    """Return the information table of a run.

    It is compared with the true process if that made the run's data and these are measured.

    Args:
        run: The run.
        sources: The sources.
        split: Which of them are evaluated, and which gave the sample.
        sample: Samples for log Z, drawn from the sources of `split.partition`.

    Raises:
        CPCError: As `measure_horizons` does.
    """
    own = any(sources is opened for opened in run.own)
    process = run.domain.truth(run.config["data"], sample.marginal) if own else None
    rows, steps = measure_horizons(run, sample, sources, split.evaluated, process)
    index = run.first_disjoint_horizon
    profiles = score_profiles(run.model, sample, steps, sources, index=index)
    said, k = cautions(sample.estimand, rows, run.strategy), run.model.predictor.horizons[index]
    return InformationTable(sample.estimand, split.origin, said, rows, k, profiles)


def measure_horizons(
    run: TrainedRun, sample: Sample, sources: Sources, indices: Sequence[int], process: Process | None = None
) -> tuple[tuple[InformationRow, ...], list[SourceSteps]]:
    """Measure every horizon on the sources at `indices`. Neither training nor `sample` may have seen these.

    The 95 % intervals come from a jackknife over evaluated sources. The interval of the PMI also contains the error
    of log Z, from the spread between the sources of the sample.

    Args:
        run: The run.
        sample: Samples for log Z.
        sources: The sources.
        indices: The sources to evaluate.
        process: The process that made the sources, if known.

    Returns:
        One row per horizon, and the embedded steps.

    Raises:
        CPCError: If sample and evaluation share a source, or no source is long enough.
    """
    if shared := set(indices) & set(sample.source_M.tolist()):
        raise CPCError(f"{len(shared)} sources are both in the partition sample and evaluated: keep the two apart.")
    embedded = list(steps_in(run, sources, indices, "measuring"))
    scored = [pairs for steps in embedded for pairs in score_pairs(run.model, sample, steps)]
    if not scored:
        raise CPCError(f"no evaluated source is longer than k = {run.model.predictor.horizons[0]} steps: name longer ones.")
    steps, rows = Stacked.of(embedded), []
    for index, k in enumerate(run.model.predictor.horizons):
        if not (reached := [pairs for pairs in scored if pairs.horizon == index]):
            continue
        # The sandwich estimate between blocks, for the mean of log Z over all contexts, as in the delta correction.
        pull_G = np.sum([pairs.pull_G for pairs in reached], axis=0).astype(np.float64)
        n, blocks = sum(len(pairs.pmi) for pairs in reached), np.count_nonzero(pull_G)
        error = math.sqrt((np.square(pull_G / n).sum()) * blocks / max(blocks - 1, 1))
        truth = compare_with_truth(process, sources, k, reached, error) if process is not None else None
        rows.append(_row(k, reached, error, _checks(run.model, sample, steps, index), truth))
    return tuple(rows), embedded


def cautions(estimand: Estimand, rows: Sequence[InformationRow], strategy: str | None = None) -> tuple[str, ...]:
    """Return reasons to read the numbers with care, one sentence each.

    Args:
        estimand: What is estimated, and from which sample.
        rows: The rows of the table.
        strategy: The candidates that the score was trained against.
    """
    dominated, not_normal = [row.k for row in rows if row.dominated > 0.1], worst([row.checks for row in rows if row.checks])
    other = strategy is not None and (strategy in UNMATCHED or matching_marginal(strategy) != estimand.marginal)
    sentences = (
        (
            estimand.sources < FEW_EFFECTIVE,
            f"log Z rests on {estimand.sources} sources, too few to know its error: intervals of the PMI are too narrow; name more.",
        ),
        (
            bool(dominated),
            f"at k = {', '.join(map(str, dominated))} log Z rests on fewer than {FEW_EFFECTIVE} samples for more than a tenth of the "
            "contexts: PMI is too high there; use more samples (--samples) from more sources.",
        ),
        (bool(not_normal), not_normal or ""),
        (
            other,
            f"the score was trained against candidates '{strategy}' and calibrated against '{estimand.marginal}': it is a proper density "
            "ratio, but not the one it was trained for.",
        ),
    )
    return tuple(sentence for holds, sentence in sentences if holds)


def _row(k: int, scored: list[Scored], error: float, checks: Checks | None, truth: TruthComparison | None) -> InformationRow:
    """Return the row of one horizon."""
    sums = ([len(p.pmi) for p in scored], [p.infonce.sum() for p in scored], [p.pmi.sum() for p in scored])
    pairs_S, infonce_S, pmi_S = sums_by_source(scored, *sums)
    candidates, effective = np.concatenate([p.candidates for p in scored]), np.concatenate([p.effective for p in scored])
    return InformationRow(
        k,
        infonce=mean_interval(infonce_S, pairs_S).widened(0.0),
        pmi=mean_interval(pmi_S, pairs_S).widened(1.96 * error),
        ceiling=float(np.log(candidates).mean()),
        candidates=float(candidates.mean()),
        n=int(pairs_S.sum()),
        sources=len(pairs_S),
        effective=float(np.median(effective)),
        dominated=float((effective < FEW_EFFECTIVE).mean()),
        checks=checks,
        truth=truth,
    )


@torch.inference_mode()
def _checks(model: Model, sample: Sample, steps: Stacked, index: int) -> Checks | None:
    """Return the checks on joint pairs and on products with steps of other evaluated sources. None if there are no such
    steps.
    """
    rng = np.random.default_rng([0, index])
    place_A = rng.permutation(np.flatnonzero(steps.left_P >= model.predictor.horizons[index]))[:_CHECKED]
    drawn_M = rng.permutation(len(steps.z_PD))[:_AGAINST]
    allowed_AM = steps.source_P[place_A][:, None] != steps.source_P[drawn_M]
    if sample.marginal == "same_group":
        allowed_AM &= steps.group_P[place_A][:, None] == steps.group_P[drawn_M]
    usable = allowed_AM.any(dim=1).numpy()
    if usable.sum() < 2:
        return None
    found = score_contexts(model, sample, steps, place_A[usable], index)
    product_AM = candidate_pmi(found.p_AD, steps.z_PD[drawn_M].to(found.p_AD.device), found.log_z_A)
    joint, product, log_z = (values.double().cpu().numpy() for values in (found.pmi_A, product_AM, found.log_z_A))
    return check_calibration(joint, np.where(allowed_AM[usable].numpy(), product, np.nan), log_z)
