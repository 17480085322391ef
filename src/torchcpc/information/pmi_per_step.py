"""One calibrated number per step of whole sources: how much the past said for what came."""

from __future__ import annotations

from copy import deepcopy
from typing import cast

import numpy as np
import torch
from torch import nn

from torchcpc.contracts import Model, Predictor, Sources
from torchcpc.information.scoring import pair_pmi
from torchcpc.representations.embed import frames
from torchcpc.scores.calibration import Sample

# Contexts whose predictions exist at once: bounds memory, not the result.
_CONTEXTS = 4096


def pmi_by_step(
    model: Model, sources: Sources, sample: Sample, *, positions_per_batch: int = 1_000_000, device: str = "cpu"
) -> list[np.ndarray]:
    """Per source [T] float32: log p(x_t | c_{t-k}) / p(x_t) in nats, mean over the k that reach t from its start; NaN where none does.

    Its negative is the surprise. In memory; positions_per_batch: as for `embed_all`.
    """
    # In float64: a PMI near 0 is a difference of numbers near log M, whose float32 rounding would depend on the company in the batch.
    predictor = cast(Predictor, cast(nn.Module, deepcopy(model.predictor)).double())
    exact = Sample(
        sample.z_MD.double(), sample.source_M, sample.group_M, proposal=sample.proposal, correction=sample.correction
    )
    z, c = frames(model, sources, positions_per_batch=positions_per_batch, device=device)
    return [_mean_pmi(predictor, exact, z_TD, c_TC) for z_TD, c_TC in zip(z, c, strict=True)]


@torch.inference_mode()
def _mean_pmi(predictor: Predictor, sample: Sample, z_TD: np.ndarray, c_TC: np.ndarray) -> np.ndarray:
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
