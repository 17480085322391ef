"""From a context in words and candidates in words to how well each goes on from it, calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from torchcpc.data.text.queries import typed
from torchcpc.information.scoring import silent, steps_of
from torchcpc.scores.calibration import Sample


@torch.inference_mode()
def fitting(
    model: Any,
    sample: Sample,
    section: Mapping[str, Any],
    context: Sequence[str],
    candidates: Sequence[str],
    *,
    device: str = "cpu",
) -> np.ndarray:
    """[N, K] log p(candidate k sentences ahead | context) / p(candidate), in nats, for a context of sentences, the last one the
    latest. section: the [data] section of the model; sample: of other documents than the context. Raises CPCError for no text."""
    # A document each, so that a candidate without a known word is told, who would have been given some score.
    texts = typed(section, [context, *([candidate] for candidate in candidates)])
    # Documents come back by length, not in order.
    read, *asked = sorted(steps_of(model, texts, device=device, progress=silent), key=lambda each: each.source)
    z_ND = torch.cat([each.z_TD for each in asked])
    found_1NK = model.score(read.c_TC[-1:].to(device), z_ND.to(device), sample)
    return found_1NK[0].double().cpu().numpy()
