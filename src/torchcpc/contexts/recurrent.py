"""A gated recurrent unit over steps, and a control without memory.

The unit is the context of the paper for speech, text and agents.
"""

from typing import Annotated

import torch
from annotated_types import Ge, Le
from torch import Tensor, nn

from torchcpc.contracts import ONE_SEQUENCE, Layout, Size

Layers = Annotated[int, Ge(1), Le(1000)]
"""Recurrent layers on top of each other."""


class RecurrentContext(nn.Module):
    """z_BTD -> c_BTC, the output of a GRU at every step (256 units in the paper for speech).

    The state starts at zero for each sequence. Every column of a picture is a sequence. Pass the returned state to continue
    a sequence that was cut.

    Args:
        latent_dim: Width of z.
        layout: How many sequences the encoder makes of one window.
        dim: Width of c.
        layers: Recurrent layers on top of each other.
    """

    def __init__(self, latent_dim: int, layout: Layout = ONE_SEQUENCE, *, dim: Size = 256, layers: Layers = 1) -> None:
        super().__init__()
        self.dim = dim
        self.gru = nn.GRU(latent_dim, dim, num_layers=layers, batch_first=True)

    def forward(self, z_BTD: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return c and the state after the last step.

        Args:
            z_BTD: Steps.
            state: State of an earlier call. None at the start of a sequence.
        """
        # Float32 under any autocast: on a CPU, recurrence in bfloat16 is no faster, and it loses precision step by step.
        with torch.autocast(z_BTD.device.type, enabled=False):
            return self.gru(z_BTD.float(), state)


class NoContext(nn.Module):
    """c_t = z_t, without memory.

    Predictions use only the present step, as in Kreuk et al. 2020 (arXiv:2007.13465).

    Args:
        latent_dim: Width of z, and of c.
        layout: Not used.
    """

    def __init__(self, latent_dim: int, layout: Layout = ONE_SEQUENCE) -> None:
        super().__init__()
        self.dim = latent_dim

    def forward(self, z_BTD: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return z as c, and an empty state.

        Args:
            z_BTD: Steps.
            state: Not used.
        """
        return z_BTD, z_BTD.new_zeros(0)
