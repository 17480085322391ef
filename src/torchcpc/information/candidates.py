"""The best candidates for the future of one context, among all steps of some sources or among sentences; and how the score of all lies.

The profile of a context is the picture of the idea: where it says much about the future, few candidates stand high above the rest; where
it says nothing, all stand at 0 nats.
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
    """The `top` steps of the sources at `indices` as the future, k steps ahead, of the context that `step` names, "SOURCE:STEP". sample:
    its source numbers are positions in `sources`; k: by default the first whose target shares nothing with its context. Raises CPCError as
    `find_step`."""
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
    """log p(candidate k sentences ahead | context) / p(candidate) in nats for every k, best first at `k` (by default the first). context:
    a text, or its sentences, the last one the latest; sample: of other documents than the context; top: candidates that are kept. Raises
    CPCError for a run that reads no text."""
    section, horizons = run.config["data"], run.model.predictor.horizons
    index = 0 if k is None else run.horizon_index(k)
    sentences = split_sentences(section, context) if isinstance(context, str) else list(context)
    # A document each, so that a candidate without a known word is told, who would have been given some score.
    texts = from_strings(section, [sentences, *([candidate] for candidate in candidates)])
    # Documents come back by length, not in order.
    read, *asked = sorted(steps_of(run.model, texts, device=run.device, progress=silent), key=lambda steps: steps.source)
    z_ND = torch.cat([steps.z_TD for steps in asked])
    pmi_NK = run.model.score(read.c_TC[-1:].to(run.device), z_ND.to(run.device), sample)[0].double().cpu().numpy()
    order = np.argsort(-pmi_NK[:, index], kind="stable")[:top]
    kept = tuple(candidates[int(n)] for n in order)
    return ContinuationTable(len(sentences), horizons[index], tuple(horizons), kept, pmi_NK[order])


# Contexts looked at, contexts shown, and points embedded of a curve: places spread evenly over the logarithm of the rank.
_LOOKED_AT, _SHOWN, _POINTS = 1000, 5, 160


@torch.inference_mode()
def score_profiles(
    model: Model, sample: Sample, embedded: Sequence[SourceSteps], sources: Sources, *, index: int
) -> tuple[Profile, ...]:
    """Five contexts at evenly spaced places of information, most informative first, at horizon `index` of the model. Of at most 1000
    contexts drawn from `embedded`, whose source numbers are positions in `sources` and those of the sample. Raises CPCError where none
    reaches the horizon."""
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
