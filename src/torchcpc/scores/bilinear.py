"""The paper's score, eq. 3: log f_k(x_{t+k}, c_t) = z_{t+k}' W_k c_t, one matrix W_k per step ahead."""

import torch
from torch import Tensor, nn

from torchcpc.contracts import CPCError

# Of the paper: 12. One matrix each.
MOST_STEPS = 10_000


class Bilinear(nn.Module):
    """c_BTC -> p_BTKD with p_k = W_k c; the score of a candidate z is the plain dot product p_k . z, in nats: no bias, no division by D, no
    cosine, the paper's eq. 3 as printed. horizons = first, first+1, ..., first+count-1 steps ahead. echo: W_k begins with so many times
    the identity on the last D numbers of c, for a context that ends with a mean of the steps it read ("running_means"): until it learns
    better, it expects that what was said goes on being said."""

    def __init__(self, context_dim: int, latent_dim: int, *, first: int = 1, count: int = 12, echo: float = 0.0) -> None:
        super().__init__()
        if first < 1 or not 1 <= count <= MOST_STEPS:
            raise CPCError(
                f"first = {first}, count = {count}: predictions start at least 1 step ahead, for 1 to {MOST_STEPS:,} steps."
            )
        if echo and context_dim < latent_dim:
            raise CPCError(
                f"echo = {echo}: a context of {context_dim} numbers does not end with a mean of steps of {latent_dim}. Take the "
                "context running_means, or leave echo at 0."
            )
        self.horizons = tuple(range(first, first + count))
        # Rows scaled so that scores start near zero (all candidates alike) whatever the widths are.
        self.weight = nn.Parameter(torch.empty(count, latent_dim, context_dim))
        with torch.no_grad():
            self.weight.normal_().div_((context_dim * latent_dim) ** 0.5)
            if echo:
                self.weight[:, :, -latent_dim:] += echo * torch.eye(latent_dim)

    def forward(self, c_BTC: Tensor) -> Tensor:
        K, D, C = self.weight.shape
        # One matrix product for all k: [B, T, C] x [C, K*D].
        return (c_BTC @ self.weight.reshape(K * D, C).t()).unflatten(-1, (K, D))
