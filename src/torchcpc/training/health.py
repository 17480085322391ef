"""Early signs that a run will come to nothing, each with its reason and a next step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

Metrics = dict[str, Any]
"""What is measured of an update or a validation, by name."""


def effective_rank(z_MD: Tensor) -> float:
    """exp of the entropy of the normalised singular values of centred features: between 1 (collapsed) and D (all directions alike).

    Roy & Vetterli 2007; used as a label-free measure of representations by Garrido et al. 2023 (RankMe).
    """
    centred = z_MD.detach().double() - z_MD.detach().double().mean(dim=0)
    share = torch.linalg.svdvals(centred)
    if share.sum() == 0:
        return 1.0
    share = share / share.sum()
    return torch.exp(torch.special.entr(share).sum()).item()


def warnings(history: Sequence[Metrics]) -> list[str]:
    """What the validations so far, oldest first, give reason to fear. Each is a dict with bound, ceiling_per_k, rank_z and rank_c."""
    if not history:
        return []
    return [text for text in (check(history) for check in (_plateau, _collapse, _ceiling)) if text]


def _ceiling_of(metrics: Metrics) -> float:
    finite = [value for value in metrics["ceiling_per_k"] if value is not None and value == value]
    return sum(finite) / len(finite)


def _plateau(history: Sequence[Metrics]) -> str | None:
    last, ceiling = history[-3:], _ceiling_of(history[-1])
    if len(last) == 3 and all(metrics["bound"] <= 0.02 * ceiling for metrics in last):
        return (
            f"chance-level plateau: the validation bound was {last[-1]['bound']:.3f} nats at the last three validations, within 2 % of "
            f"chance (ceiling {ceiling:.2f}). Raise training.learning_rate, lengthen the warm-up, or check that steps follow one another."
        )
    return None


def _collapse(history: Sequence[Metrics]) -> str | None:
    for name in ("rank_z", "rank_c"):
        if history[-1].get(name, 2.0) < 2.0:
            return (
                f"collapse: the effective rank of {name[-1]} is {history[-1][name]:.2f}; below 2, every step is encoded on one line. "
                "Lower training.learning_rate, use normalisation = 'channel', or more candidates."
            )
    return None


def _ceiling(history: Sequence[Metrics]) -> str | None:
    bound, ceiling = history[-1]["bound"], _ceiling_of(history[-1])
    if bound > 0.95 * ceiling:
        return (
            f"saturation: the validation bound {bound:.2f} nats is within 5 % of its ceiling log N = {ceiling:.2f}; harder features get "
            "no gradient any more and the bound says little. Use more candidates."
        )
    return None
