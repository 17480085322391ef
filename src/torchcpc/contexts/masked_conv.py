"""A masked convolution stack over rows of patches, in which each row sees those above it.

It is the context of the paper for pictures, in the style of PixelCNN (van den Oord et al. 2016, arXiv:1601.06759). The form
is that of Henaff et al. 2020 (arXiv:1905.09272).
"""

from typing import Annotated

import torch
from annotated_types import Ge, Le
from torch import Tensor, nn
from torch.nn import functional as F

from torchcpc.contracts import ONE_SEQUENCE, CPCError, Layout, Size


class MaskedBlock(nn.Module):
    """A residual block on [B, columns, T, dim] that sees no row below.

    Its branch is 1x1, ReLU, 1x3 across columns, 2x1 over the row above and this row, ReLU, 1x1. Each convolution is one
    matrix product of all places with their neighbours side by side. With two or three neighbours on a grid of patches, this
    copy costs less than the layout of a convolution.

    Args:
        dim: Width of input and output.
        hidden: Width inside the block.
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.enter, self.across = nn.Linear(dim, hidden), nn.Linear(3 * hidden, hidden)
        self.down, self.leave = nn.Linear(2 * hidden, hidden), nn.Linear(hidden, dim)

    def forward(self, x_BnTC: Tensor, above_Bn1H: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the block to rows, and return them with the state for the row after the last.

        Args:
            x_BnTC: Rows of patches.
            above_Bn1H: State that the row before the first left; zeros at the top.
        """
        y_BnTH = F.relu(self.enter(x_BnTC))
        edged = F.pad(y_BnTH, (0, 0, 0, 0, 1, 1))
        y_BnTH = self.across(torch.cat([edged[:, :-2], y_BnTH, edged[:, 2:]], dim=3))
        y_BnTH = torch.cat([above_Bn1H, y_BnTH], dim=2)
        seen = F.relu(self.down(torch.cat([y_BnTH[:, :, :-1], y_BnTH[:, :, 1:]], dim=3)))
        return x_BnTC + self.leave(seen), y_BnTH[:, :, -1:]


class MaskedConvolutions(nn.Module):
    """z_BTD -> c_BTC, over all columns of a picture together.

    c of row t sees the rows t, t-1, .., t-blocks, and as many columns on either side. It sees no row below. Every view of
    the picture (direction of reading) has a stack of its own. The state is what each block keeps of the last row, [blocks,
    B, hidden]. With it, the next rows can follow.

    Args:
        latent_dim: Width of z.
        layout: How many sequences the encoder makes of one window.
        dim: Width of c.
        hidden: Width inside a block.
        blocks: Masked blocks on top of each other. c sees as many rows above its own, and columns on either side.
    """

    def __init__(
        self,
        latent_dim: int,
        layout: Layout = ONE_SEQUENCE,
        *,
        dim: Size = 256,
        hidden: Size = 256,
        blocks: Annotated[int, Ge(1), Le(1000)] = 5,
    ) -> None:
        super().__init__()
        if min(dim, hidden, blocks) < 1:
            raise CPCError(f"dim = {dim}, hidden = {hidden}, blocks = {blocks}: all must be at least 1.")
        self.dim, self.hidden, self.blocks, self.layout = dim, hidden, blocks, layout
        # The context of the paper is as wide as z, and then no layer is needed between the two.
        views = range(layout.views)
        self.enter = nn.ModuleList(nn.Linear(latent_dim, dim) if dim != latent_dim else nn.Identity() for _ in views)
        self.stacks = nn.ModuleList(nn.ModuleList(MaskedBlock(dim, hidden) for _ in range(blocks)) for _ in views)

    def forward(self, z_BTD: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return c and the state after the last row.

        Args:
            z_BTD: Steps of whole pictures, a row of patches each.
            state: State of an earlier call. None at the top of a picture.

        Raises:
            CPCError: If the sequences are not a whole number of pictures.
        """
        views, columns = self.layout.views, self.layout.columns
        if len(z_BTD) % self.layout.sequences:
            raise CPCError(
                f"{len(z_BTD)} sequences are not a whole number of pictures of {views} x {columns}. Build the context with the layout of "
                "the encoder."
            )
        if state is None:
            state = z_BTD.new_zeros(self.blocks, len(z_BTD), self.hidden)
        z_VBnTD = z_BTD.unflatten(0, (-1, views, columns)).transpose(0, 1)
        above_kVBn1H = state.unflatten(1, (-1, views, columns)).transpose(1, 2).unsqueeze(4)
        made, kept = [], []
        for view, (enter, stack) in enumerate(zip(self.enter, self.stacks, strict=True)):
            c_BnTC, last = enter(z_VBnTD[view]), []
            for index, block in enumerate(stack):  # pyright: ignore[reportArgumentType]
                c_BnTC, below = block(c_BnTC, above_kVBn1H[index, view].to(c_BnTC.dtype))
                last.append(below.squeeze(2))
            made.append(F.relu(c_BnTC))
            kept.append(torch.stack(last))
        return torch.stack(made, dim=1).flatten(0, 2), torch.stack(kept, dim=2).flatten(1, 3)
