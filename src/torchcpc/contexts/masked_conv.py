"""Rows of patches, each seen with those above it: a masked convolution stack (PixelCNN style: van den Oord et al. 2016,
arXiv:1601.06759), the paper's context for pictures in the form that Henaff et al. 2020 (arXiv:1905.09272) print."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from torchcpc.contracts import ONE_SEQUENCE, CPCError, Layout


class MaskedBlock(nn.Module):
    """x + [1x1, ReLU, 1x3 across columns, 2x1 from the row above and this one, ReLU, 1x1] x: [B, dim, T, columns] -> the same."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(dim, hidden, 1)
        self.across = nn.Conv2d(hidden, hidden, (1, 3), padding=(0, 1))
        self.down = nn.Conv2d(hidden, hidden, (2, 1))
        self.leave = nn.Conv2d(hidden, dim, 1)

    def forward(self, x_BCTn: Tensor, above_BH1n: Tensor) -> tuple[Tensor, Tensor]:
        """above: what the row before the first left behind (zeros at the top); returns it for the row after the last, too."""
        y = torch.cat([above_BH1n, self.across(F.relu(self.enter(x_BCTn)))], dim=2)
        return x_BCTn + self.leave(F.relu(self.down(y))), y[:, :, -1:]


class MaskedConvolutions(nn.Module):
    """z_BTD -> c_BTC over all columns of a picture together: c of row t sees rows t, t-1, .., t-blocks, and as many columns on
    either side; no row below. Every view of the picture (direction of reading) has a stack of its own.

    state: what each block keeps of the last row, [blocks, B, hidden], to go on with the rows below.
    """

    def __init__(
        self, latent_dim: int, layout: Layout = ONE_SEQUENCE, *, dim: int = 256, hidden: int = 256, blocks: int = 5
    ) -> None:
        super().__init__()
        if min(dim, hidden, blocks) < 1:
            raise CPCError(f"dim = {dim}, hidden = {hidden}, blocks = {blocks}: all must be at least 1.")
        self.dim, self.hidden, self.blocks, self.layout = dim, hidden, blocks, layout
        # The paper's own context is as wide as z, and then nothing stands between the two.
        self.enter = nn.ModuleList(
            nn.Conv2d(latent_dim, dim, 1) if dim != latent_dim else nn.Identity() for _ in range(layout.views)
        )
        self.stacks = nn.ModuleList(nn.ModuleList(MaskedBlock(dim, hidden) for _ in range(blocks)) for _ in range(layout.views))

    def forward(self, z_BTD: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        views, columns = self.layout.views, self.layout.columns
        if len(z_BTD) % self.layout.sequences:
            raise CPCError(
                f"{len(z_BTD)} sequences are no whole number of pictures of {views} x {columns}. Build the context with the layout of "
                "the encoder."
            )
        if state is None:
            state = z_BTD.new_zeros(self.blocks, len(z_BTD), self.hidden)
        z_VBDTn = z_BTD.unflatten(0, (-1, views, columns)).permute(1, 0, 4, 3, 2)
        above_kVBH1n = state.unflatten(1, (-1, views, columns)).permute(0, 2, 1, 4, 3).unsqueeze(4)
        made, kept = [], []
        for view, (enter, stack) in enumerate(zip(self.enter, self.stacks, strict=True)):
            c_BCTn, last = enter(z_VBDTn[view]), []
            for index, block in enumerate(stack):  # pyright: ignore[reportArgumentType]
                c_BCTn, below = block(c_BCTn, above_kVBH1n[index, view].to(c_BCTn.dtype))
                last.append(below.squeeze(2))
            made.append(F.relu(c_BCTn).permute(0, 3, 2, 1))
            kept.append(torch.stack(last).transpose(2, 3))
        return torch.stack(made, dim=1).flatten(0, 2), torch.stack(kept, dim=2).flatten(1, 3)
