"""The best candidates for the future of one context, and the profile of the scores of all candidates.

Candidates are all steps of some sources, or sentences. Where a context says much about the future, few candidates
score high above the rest. Where it says nothing, all score 0 nats.
"""

from collections.abc import Sequence

import numpy as np
import torch

from torchcpc.contracts import CPCError, Model, Sources, silent
from torchcpc.data.text.texts import from_strings, split_sentences
from torchcpc.information.result import Candidate, CandidateTable, ContinuationTable, Profile
from torchcpc.information.scoring import Stacked, candidate_pmi, score_contexts, steps_in
from torchcpc.representations.embed import SourceSteps, steps_of
from torchcpc.representations.rows import clock, find_step
from torchcpc.runs.run import TrainedRun
from torchcpc.scores.calibration import Sample


@torch.inference_mode()
def rank_candidates(
    run: TrainedRun, sources: Sources, indices: Sequence[int], sample: Sample, step: str, *, k: int | None = None, top: int = 10
) -> CandidateTable:
    """Rank all steps of some sources as the future of one context.

    Args:
        run: The run.
        sources: The sources.
        indices: Which of them hold candidates.
        sample: Samples for log Z. Its source numbers are positions in `sources`.
        step: The context, as "SOURCE:STEP".
        k: Steps ahead. Default: the first horizon whose target shares no input with its context.
        top: The number of candidates to keep.

    Raises:
        CPCError: If the step does not exist, or not k steps before the end, or the run is one of pictures.
    """
    index = run.horizon_index(k)
    k = run.model.predictor.horizons[index]
    number, t = find_step(step, run.model, sources, indices, ahead=k)
    own = Stacked.of(list(steps_of(run.model, sources, [number], device=run.device)))
    context = score_contexts(run.model, sample, own, np.array([t]), index)
    p_D, log_z = context.p_AD[0], context.log_z_A.item()
    best: list[tuple[float, int, int]] = []
    true_pmi, scores = -np.inf, []
    for steps in steps_in(run, sources, indices, "ranking"):
        pmi_T = (steps.z_TD.to(p_D.device) @ p_D - log_z).double().cpu().numpy()
        order = np.argsort(-pmi_T, kind="stable")[:top]
        best = sorted([*best, *((float(pmi_T[i]), steps.source, int(i)) for i in order)], key=lambda row: -row[0])[:top]
        if steps.source == number:
            true_pmi = float(pmi_T[t + k])
        scores.append(pmi_T)
    when, every_P = clock(sources, run.model.encoder.stride), np.concatenate(scores)
    rows = []
    for rank, (pmi, source, i) in enumerate(best, start=1):
        key, time_s, true = sources.items[source].key, float(when(source, np.array([i]))[0]), (source, i) == (number, t + k)
        rows.append(Candidate(rank, pmi, time_s, i, key, true))
    return CandidateTable(sources.items[number].key, t, k, tuple(rows), 1 + int((every_P > true_pmi).sum()), len(every_P))


@torch.inference_mode()
def score_continuations(
    run: TrainedRun,
    sample: Sample,
    context: str | Sequence[str],
    candidates: Sequence[str],
    *,
    k: int | None = None,
    top: int | None = None,
) -> ContinuationTable:
    """Score candidate sentences as the continuation of a text: log p(candidate k sentences ahead | context) /
    p(candidate), in nats.

    Args:
        run: The run.
        sample: Samples for log Z, of other documents than the context.
        context: A text, or its sentences with the latest one last.
        candidates: The sentences to score.
        k: The horizon to sort by. Default: the first.
        top: The number of candidates to keep. Default: all.

    Returns:
        The candidates, best first, with their scores at every horizon.

    Raises:
        CPCError: If the run reads no text.
    """
    section, horizons = run.config["data"], run.model.predictor.horizons
    index = 0 if k is None else run.horizon_index(k)
    sentences = split_sentences(section, context) if isinstance(context, str) else list(context)
    # Each candidate is a document, so that one without a known word is reported. It would get a meaningless score.
    texts = from_strings(section, [sentences, *([candidate] for candidate in candidates)])
    # Documents come back sorted by length.
    read, *asked = sorted(steps_of(run.model, texts, device=run.device, progress=silent), key=lambda steps: steps.source)
    z_ND = torch.cat([steps.z_TD for steps in asked])
    pmi_NK = run.model.score(read.c_TC[-1:].to(run.device), z_ND.to(run.device), sample)[0].double().cpu().numpy()
    order = np.argsort(-pmi_NK[:, index], kind="stable")[:top]
    kept = tuple(candidates[int(n)] for n in order)
    return ContinuationTable(len(sentences), horizons[index], tuple(horizons), kept, pmi_NK[order])


# Contexts examined, contexts shown, and points of a curve, spread evenly over the logarithm of the rank.
_LOOKED_AT, _SHOWN, _POINTS = 1000, 5, 160


@torch.inference_mode()
def score_profiles(
    model: Model, sample: Sample, embedded: Sequence[SourceSteps], sources: Sources, *, index: int
) -> tuple[Profile, ...]:
    """Return the sorted scores of candidates for five contexts, the most informative context first.

    At most 1000 contexts are drawn. The five are spread evenly over their information.

    Args:
        model: The model.
        sample: Samples for log Z.
        embedded: The embedded sources. Their numbers are positions in `sources`, as those of the sample.
        sources: The sources.
        index: The index of the horizon.

    Raises:
        CPCError: If no source is longer than the horizon.
    """
    k = model.predictor.horizons[index]
    if all(len(steps.z_TD) <= k for steps in embedded):
        raise CPCError(f"no source is longer than k = {k} steps: choose a shorter horizon or longer sources.")
    steps = Stacked.of(embedded)
    place_A = np.random.default_rng(0).permutation(np.flatnonzero(steps.left_P >= k))[:_LOOKED_AT]
    found = score_contexts(model, sample, steps, place_A, index)
    allowed_AM = sample.allowed(len(place_A), found.source_A, found.group_A)
    pmi_AM = candidate_pmi(found.p_AD, sample.z_MD, found.log_z_A).masked_fill(~allowed_AM, -torch.inf)
    share_AM = torch.softmax(pmi_AM, dim=1)
    information_A = torch.where(share_AM > 0, share_AM * pmi_AM, 0.0).sum(dim=1)
    order = information_A.argsort(descending=True)
    profiles = []
    for place in np.linspace(0, len(order) - 1, min(_SHOWN, len(order))):
        i = int(order[round(place)])
        others, true = pmi_AM[i][torch.isfinite(pmi_AM[i])].double().cpu().numpy(), found.pmi_A[i].item()
        high = np.sort(np.append(others, true))[::-1]
        rank = np.unique(np.geomspace(1, len(high), _POINTS).round().astype(int))
        key, step = sources.items[int(found.source_A[i])].key, int(steps.step_P[place_A[i]])
        curve = tuple(rank.tolist()), tuple(high[rank - 1].tolist())
        profiles.append(Profile(key, step, information_A[i].item(), *curve, 1 + int((others > true).sum()), true, len(high)))
    return tuple(profiles)
