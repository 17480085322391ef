"""No memory at all: the control that shows what a context adds."""

from __future__ import annotations

from torch import Tensor, nn

from torchcpc.contracts import ONE_SEQUENCE, Layout


class NoContext(nn.Module):
    """c_t = z_t. Predicting from it uses the present step alone, as in Kreuk et al. 2020 (arXiv:2007.13465)."""

    def __init__(self, latent_dim: int, layout: Layout = ONE_SEQUENCE) -> None:
        super().__init__()
        self.dim = latent_dim

    def forward(self, z_BTD: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return z_BTD, z_BTD.new_zeros(0)
