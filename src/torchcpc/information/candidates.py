"""The best candidates for the future of one context, among all steps of some sources."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from torchcpc.contracts import CPCError, Sources, silent
from torchcpc.information.candidates_result import Candidate, CandidateTable
from torchcpc.representations.embed import SourceSteps, steps_of
from torchcpc.representations.rows import clock
from torchcpc.runs.run import TrainedRun
from torchcpc.scores.calibration import Sample


@torch.inference_mode()
def rank_candidates(
    run: TrainedRun, sources: Sources, indices: Sequence[int], sample: Sample, step: str, *, k: int | None = None, top: int = 10
) -> CandidateTable:
    """The `top` steps of the sources at `indices` as the future, k steps ahead, of the context that `step` names, "SOURCE:STEP".

    sample: its source numbers are positions in `sources`; k: by default the first whose target shares nothing with its context. Raises
    CPCError for a context that is not there, and for sources of several sequences, such as pictures.
    """
    index = run.horizon_index(k)
    number, t = _context(step, sources, indices)
    k = run.model.predictor.horizons[index]
    own = _steps(run, sources, number)
    if t + k >= len(own.c_TC):
        raise CPCError(
            f"{step!r}: the source has {len(own.c_TC)} steps, so its last context for k = {k} is {len(own.c_TC) - k - 1}."
        )
    p_D = run.model.predictor(own.c_TC[t].to(run.device).view(1, 1, -1))[0, 0, index]
    source_A, group_A = (torch.tensor([value], device=p_D.device) for value in (number, own.group))
    log_z = sample(p_D.view(1, 1, -1), source_A, group_A).item()
    best: list[tuple[float, int, int]] = []
    true, true_pmi, scores = (number, t + k), -np.inf, []
    with run.listener.stage("ranking") as progress:
        for steps in steps_of(run.model, sources.select(list(indices)), device=run.device, progress=progress):
            source = indices[steps.source]
            pmi_T = (steps.z_TD.to(p_D.device) @ p_D - log_z).double().cpu().numpy()
            order = np.argsort(-pmi_T, kind="stable")[:top]
            best = sorted([*best, *((float(pmi_T[i]), source, int(i)) for i in order)], key=lambda row: -row[0])[:top]
            if source == number:
                true_pmi = float(pmi_T[t + k])
            scores.append(pmi_T)
    when = clock(sources, run.model.encoder.stride)
    rows = tuple(
        Candidate(rank, pmi, float(when(source, np.array([i]))[0]), i, sources.items[source].key, (source, i) == true)
        for rank, (pmi, source, i) in enumerate(best, start=1)
    )
    above, total = sum(int((pmi_T > true_pmi).sum()) for pmi_T in scores), sum(map(len, scores))
    return CandidateTable(sources.items[number].key, t, k, rows, 1 + above, total)


def _context(step: str, sources: Sources, indices: Sequence[int]) -> tuple[int, int]:
    """(number of the source, step) that "SOURCE:STEP" names."""
    key, colon, number = step.rpartition(":")
    known = {sources.items[i].key: i for i in indices}
    if not colon or not number.isdigit() or key not in known:
        raise CPCError(f"{step!r}: expected SOURCE:STEP with a source that is scored, for instance {next(iter(known))}:0.")
    return known[key], int(number)


def _steps(run: TrainedRun, sources: Sources, number: int) -> SourceSteps:
    """The steps of one source. Raises CPCError where it has none, or is of several sequences."""
    found = list(steps_of(run.model, sources.select([number]), device=run.device, progress=silent))
    key = sources.items[number].key
    if not found:
        raise CPCError(f"{key} is shorter than one step: name a longer source.")
    if len(found) > 1:
        raise CPCError(
            f"a step of {key} is one of {len(found)} sequences, as in any picture: candidates are ranked for single ones."
        )
    return found[0]
