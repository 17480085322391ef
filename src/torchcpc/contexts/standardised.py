"""Latents less their mean over their spread, both as earlier batches had them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Added to the variance, as in batch norm: a column that was silent in training must not be made a giant by the first word that wakes it.
_LEAST = 1e-5
# Share of the newest batch in the statistics: those of the last hundred batches or so, as the encoder goes on changing.
_NEWEST = 0.02


class Standardised(nn.Module):
    """z [..., D] -> (z - mean_D) / deviation_D, of unit variance and without the part that all steps have in common.

    The mean of a sentence's words behind a rectifier is nearly the same vector for all sentences, and what tells them apart is a
    small rest: a recurrence, or a predictor, on the raw vectors learns little until it has found out what to ignore.

    Statistics are averages over past batches in training, never over the present one: steps of a batch tell each other nothing
    (Henaff et al. 2020, arXiv:1905.09272, section 4.1, on batch norm). Steps that are all zero, as behind the end of a short text,
    do not count. They are buffers, saved with the weights, and stand still in evaluation; of several processes, those of the first
    are everyone's. No gradient passes through them. The first batch of all goes through unchanged.
    """

    mean_D: Tensor
    square_D: Tensor
    seen: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean_D", torch.zeros(dim))
        self.register_buffer("square_D", torch.zeros(dim))
        # The weights of all averages so far add up to this, not to 1, in the first few hundred batches.
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, z: Tensor) -> Tensor:
        weight = self.seen.clamp(min=_NEWEST)
        mean_D = self.mean_D / weight
        variance_D = torch.where(self.seen > 0, (self.square_D / weight - mean_D.square()).clamp(min=0) + _LEAST, 1.0)
        if self.training:
            self._learn(z.detach().flatten(0, -2).to(self.mean_D.dtype))
        return (z - mean_D) / variance_D.sqrt()

    @torch.no_grad()
    def _learn(self, z_MD: Tensor) -> None:
        real_M1 = (z_MD != 0).any(dim=1, keepdim=True)
        share_M1, newest = real_M1 / real_M1.sum().clamp(min=1), _NEWEST * real_M1.any()
        self.mean_D.lerp_((share_M1 * z_MD).sum(dim=0), newest)
        self.square_D.lerp_((share_M1 * z_MD.square()).sum(dim=0), newest)
        self.seen.lerp_(torch.ones_like(self.seen), newest)
