"""The picture of the idea: how the score of all candidates lies, for contexts from the most to the least informative.

Where a context says much about the future, few candidates stand high above the rest; where it says nothing, all stand at 0 nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from torchcpc.contracts import CPCError
from torchcpc.information.scoring import Steps
from torchcpc.scores.calibration import Sample

# Contexts looked at, and points kept of a curve: places spread evenly over the logarithm of the rank.
_LOOKED_AT, _POINTS = 1000, 160


@dataclass(frozen=True, slots=True)
class Peak:
    """One context: source and step; information, KL(p(x|c) || p(x)) in nats as the score says; rank (from 1) and pmi: points of the
    candidates' sorted scores; true_rank and true_pmi of the true future among them; candidates: how many, with the true one."""

    source: int
    step: int
    information: float
    rank: tuple[int, ...]
    pmi: tuple[float, ...]
    true_rank: int
    true_pmi: float
    candidates: int


@torch.inference_mode()
def peaks(model: Any, sample: Sample, kept: Sequence[Steps], *, index: int, count: int = 5, seed: int = 0) -> list[Peak]:
    """`count` contexts at evenly spaced places of information, most informative first, at horizon `index` of the model.

    Of at most 1000 contexts drawn from `kept`, whose source numbers are those of the sample. Raises CPCError where no source of
    `kept` reaches the horizon.
    """
    k = model.predictor.horizons[index]
    places = [(number, t) for number, steps in enumerate(kept) for t in range(len(steps.z_TD) - k)]
    if not places:
        raise CPCError(f"no source is longer than k = {k} steps: choose a shorter horizon or longer sources.")
    drawn = np.random.default_rng(seed).permutation(len(places))[:_LOOKED_AT]
    places = [places[i] for i in drawn]
    c_AC = torch.stack([kept[number].c_TC[t] for number, t in places]).to(sample.z_MD.device)
    target_AD = torch.stack([kept[number].z_TD[t + k] for number, t in places]).to(sample.z_MD.device)
    source_A = torch.tensor([kept[number].source for number, _ in places], device=sample.z_MD.device)
    group_A = torch.tensor([kept[number].group for number, _ in places], device=sample.z_MD.device)
    p_AD = model.predictor(c_AC.unsqueeze(0))[0, :, index]
    log_z_A1 = sample(p_AD.unsqueeze(1), source_A, group_A)
    pmi_AM = (p_AD @ sample.z_MD.t() - log_z_A1).masked_fill(~sample.allowed(len(places), source_A, group_A), -torch.inf)
    share_AM = torch.softmax(pmi_AM, dim=1)
    information_A = torch.where(share_AM > 0, share_AM * pmi_AM, 0.0).sum(dim=1)
    true_A = (p_AD * target_AD).sum(dim=1) - log_z_A1[:, 0]
    order = information_A.argsort(descending=True)
    chosen = [int(order[round(place)]) for place in np.linspace(0, len(order) - 1, min(count, len(order)))]
    return [
        _peak(kept[places[i][0]].source, places[i][1], information_A[i].item(), pmi_AM[i], true_A[i].item()) for i in chosen
    ]


def _peak(source: int, step: int, information: float, pmi_M: torch.Tensor, true: float) -> Peak:
    others = pmi_M[torch.isfinite(pmi_M)].double().cpu().numpy()
    high = np.sort(np.append(others, true))[::-1]
    rank = np.unique(np.geomspace(1, len(high), _POINTS).round().astype(int))
    return Peak(
        source=source,
        step=step,
        information=information,
        rank=tuple(rank.tolist()),
        pmi=tuple(high[rank - 1].tolist()),
        true_rank=1 + int((others > true).sum()),
        true_pmi=true,
        candidates=len(high),
    )


@torch.inference_mode()
def ranked(model: Any, context_C: torch.Tensor, log_z: float, steps: Steps, *, index: int) -> np.ndarray:
    """PMI [T] in nats of every step of a source as the future of one context at horizon `index`."""
    p_D = model.predictor(context_C.view(1, 1, -1))[0, 0, index]
    return (steps.z_TD.to(p_D.device) @ p_D - log_z).double().cpu().numpy()
