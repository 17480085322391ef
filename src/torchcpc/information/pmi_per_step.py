"""One calibrated number per step of whole sources: how much the past said for what came."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import torch

from torchcpc.contracts import Sources
from torchcpc.representations.embed import frames
from torchcpc.scores.calibration import Sample

# Contexts whose predictions exist at once: bounds memory, not the result.
_CONTEXTS = 4096


def pmi_by_step(model: Any, sequences: Sources, sample: Sample, **settings: Any) -> list[np.ndarray]:
    """Per source [T] float32: log p(x_t | c_{t-k}) / p(x_t) in nats, mean over the k that reach t from its start; NaN where none does.

    Its negative is the surprise. In memory; settings: as for `embed_all`.
    """
    # In float64: a PMI near 0 is a difference of numbers near log M, whose float32 rounding would depend on the company in the batch.
    predictor = deepcopy(model.predictor).double()
    exact = Sample(
        sample.z_MD.double(), sample.source_M, sample.group_M, proposal=sample.proposal, correction=sample.correction
    )
    return [_steps(predictor, exact, z_TD, c_TC) for z_TD, c_TC in zip(*frames(model, sequences, **settings), strict=True)]


@torch.inference_mode()
def _steps(predictor: Any, sample: Sample, z_TD: np.ndarray, c_TC: np.ndarray) -> np.ndarray:
    device = sample.z_MD.device
    z, c = (torch.from_numpy(each).to(device, torch.float64) for each in (z_TD, c_TC))
    total_T, count_T = z.new_zeros(len(z)), z.new_zeros(len(z))
    for first in range(0, len(c), _CONTEXTS):
        p_AKD = predictor(c[None, first : first + _CONTEXTS])[0]
        log_z_AK = sample(p_AKD)
        for index, k in enumerate(predictor.horizons):
            then_AD = z[first + k : first + k + len(p_AKD)]
            now = slice(0, len(then_AD))
            reached = slice(first + k, first + k + len(then_AD))
            total_T[reached] += (p_AKD[now, index] * then_AD).sum(dim=-1) - log_z_AK[now, index]
            count_T[reached] += 1
    return (total_T / count_T).float().cpu().numpy()
