"""Early signs that a training will fail, each with its reason and a next step."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

Metrics = dict[str, Any]
"""Measurements of an update or a validation, by name."""


def effective_rank(z_MD: Tensor) -> float:
    """Return the effective rank of features (Roy and Vetterli 2007).

    It is exp of the entropy of the normalised singular values of the centred features. Garrido et al. 2023 (RankMe) use it to judge
    representations without labels.

    Args:
        z_MD: M feature vectors.

    Returns:
        A number from 1 (all features on one line) to D (all directions equal).
    """
    z_MD = z_MD.detach().double()
    share = torch.linalg.svdvals(z_MD - z_MD.mean(dim=0))
    if share.sum() == 0:
        return 1.0
    share = share / share.sum()
    return torch.exp(torch.special.entr(share).sum()).item()


def warnings(history: Sequence[Metrics]) -> list[str]:
    """Return warnings about the training, from its validations so far.

    Args:
        history: At least one validation, the oldest first. Each has `bound`, `ceiling_per_k`, `rank_z` and `rank_c`.

    Returns:
        Warnings that begin with their kind: "chance-level plateau", "collapse" or "saturation".
    """
    found, now, last = [], history[-1], history[-3:]
    finite = [value for value in now["ceiling_per_k"] if value is not None and value == value]
    if not finite:
        return []
    bound, ceiling = now["bound"], sum(finite) / len(finite)
    if len(last) == 3 and all(metrics["bound"] <= 0.02 * ceiling for metrics in last):
        found.append(
            f"chance-level plateau: the validation bound was {bound:.3f} nats at the last three validations, within 2 % of chance (ceiling "
            f"{ceiling:.2f}). Raise training.learning_rate, lengthen the warm-up, or check that steps follow one another."
        )
    if name := next((name for name in ("rank_z", "rank_c") if (now.get(name) or 2.0) < 2.0), None):
        found.append(
            f"collapse: the effective rank of {name[-1]} is {now[name]:.2f}; below 2, every step is encoded on one line. Lower "
            "training.learning_rate, use normalisation = 'channel', or more candidates."
        )
    if bound > 0.95 * ceiling:
        found.append(
            f"saturation: the validation bound {bound:.2f} nats is within 5 % of its ceiling log N = {ceiling:.2f}; harder features get "
            "no gradient any more and the bound says little. Use more candidates."
        )
    return found
