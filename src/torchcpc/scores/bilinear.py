"""The paper's score, eq. 3: log f_k(x_{t+k}, c_t) = z_{t+k}' W_k c_t, one matrix W_k per step ahead."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from torchcpc.contracts import CPCError


class Bilinear(nn.Module):
    """c_BTC -> p_BTKD with p_k = W_k c; the score of a candidate z is the plain dot product p_k . z, in nats.

    No bias, no division by D, no cosine: the paper's eq. 3 as printed. horizons = first, first+1, ..., first+count-1 steps ahead.
    """

    def __init__(self, context_dim: int, latent_dim: int, *, first: int = 1, count: int = 12) -> None:
        super().__init__()
        if first < 1 or count < 1:
            raise CPCError(f"first = {first}, count = {count}: predictions start at least 1 step ahead, for at least 1 step.")
        self.horizons = tuple(range(first, first + count))
        # Rows scaled so that scores start near zero (all candidates alike) whatever the widths are.
        self.weight = nn.Parameter(torch.randn(count, latent_dim, context_dim) / (context_dim * latent_dim) ** 0.5)

    def forward(self, c_BTC: Tensor) -> Tensor:
        K, D, C = self.weight.shape
        # One matrix product for all k: [B, T, C] x [C, K*D].
        return (c_BTC @ self.weight.reshape(K * D, C).t()).unflatten(-1, (K, D))
