"""The score of the paper, eq. 3: log f_k(x_{t+k}, c_t) = z_{t+k}' W_k c_t, with one matrix W_k per step ahead."""

from typing import Annotated

import torch
from annotated_types import Ge, Le
from torch import Tensor, nn

from torchcpc.contracts import Count, CPCError

# The paper predicts 12 steps. Each step has its own matrix.
MOST_STEPS = 10_000


class Bilinear(nn.Module):
    """Maps contexts c_BTC to predictions p_BTKD with p_k = W_k c.

    The score of a candidate z is the dot product p_k . z, in nats. As in eq. 3 of the paper there is no bias, no
    division by D and no cosine. The horizons are first, first+1, ..., first+count-1 steps ahead.

    Args:
        context_dim: Width C of c.
        latent_dim: Width D of z.
        first: Steps from the present to the first predicted step.
        count: The number of predicted steps, from `first` on.
        identity_scale: Each W_k starts with this multiple of the identity matrix on the last D numbers of c. At first
            the model then expects the mean of recent steps to go on. Use it with the context "running_means", which
            ends with such a mean. 0 adds no identity.
    """

    def __init__(
        self,
        context_dim: int,
        latent_dim: int,
        *,
        first: Count = 1,
        count: Annotated[int, Ge(1), Le(MOST_STEPS)] = 12,
        identity_scale: Annotated[float, Ge(-1e3), Le(1e3)] = 0.0,
    ) -> None:
        super().__init__()
        if first < 1 or not 1 <= count <= MOST_STEPS:
            raise CPCError(
                f"first = {first}, count = {count}: predictions start at least 1 step ahead, for 1 to {MOST_STEPS:,} steps."
            )
        if identity_scale and context_dim < latent_dim:
            raise CPCError(
                f"identity_scale = {identity_scale}: a context of {context_dim} numbers does not end with a mean of steps of "
                f"{latent_dim}. Take the context running_means, or leave identity_scale at 0."
            )
        self.horizons = tuple(range(first, first + count))
        # This scale makes scores start near zero for any widths, so that all candidates are alike.
        self.weight = nn.Parameter(torch.empty(count, latent_dim, context_dim))
        with torch.no_grad():
            self.weight.normal_().div_((context_dim * latent_dim) ** 0.5)
            if identity_scale:
                self.weight[:, :, -latent_dim:] += identity_scale * torch.eye(latent_dim)

    def forward(self, c_BTC: Tensor) -> Tensor:
        """Return predictions p_BTKD of contexts c_BTC."""
        K, D, C = self.weight.shape
        # One matrix product for all k: [B, T, C] x [C, K*D].
        return (c_BTC @ self.weight.reshape(K * D, C).t()).unflatten(-1, (K, D))
