"""From a context in words and candidates in words to how well each goes on from it, calibrated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from torchcpc.contracts import silent
from torchcpc.data.text.queries import from_strings, split_sentences
from torchcpc.information.candidates_result import ContinuationTable
from torchcpc.representations.embed import steps_of
from torchcpc.runs.run import TrainedRun
from torchcpc.scores.calibration import Sample


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
    """log p(candidate k sentences ahead | context) / p(candidate) in nats for every k, best first at `k` (by default the first).

    context: a text, or its sentences, the last one the latest; sample: of other documents than the context; top: candidates that are
    kept. Raises CPCError for a run that reads no text.
    """
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
    return ContinuationTable(
        len(sentences), horizons[index], tuple(horizons), tuple(candidates[int(n)] for n in order), pmi_NK[order]
    )
