"""The patch grid of a picture, the orders in which it can be read, and the variation of single patches in training (paper, section 3.2;
Henaff et al. 2020, section 4.2)."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

# Each makes a sequence of every column (or row): name -> [B, R, C, ...] as [B, sequences, steps, ...].
DIRECTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "down": lambda x_BRC: x_BRC.transpose(1, 2),
    "up": lambda x_BRC: x_BRC.flip(1).transpose(1, 2),
    "right": lambda x_BRC: x_BRC,
    "left": lambda x_BRC: x_BRC.flip(2),
}


def sequences(views_BRC: Sequence[Tensor], directions: Sequence[str], *, lead: int) -> Tensor:
    """A grid [B, R, C, ...] for each direction -> [B * views * columns, lead + steps, ...] in the order of contracts.Layout; zeros in front
    of the steps. More than one direction, or one across, needs R = C."""
    x_BVCT = torch.stack([DIRECTIONS[direction](x) for direction, x in zip(directions, views_BRC, strict=True)], dim=1)
    front = x_BVCT.new_zeros(*x_BVCT.shape[:3], lead, *x_BVCT.shape[4:])
    return torch.cat([front, x_BVCT], dim=3).flatten(0, 2)


def grid(x_BSWc: Tensor, *, patch: int, stride: int) -> Tensor:
    """Pictures [B, S, W, c] -> [B, R, C, c, patch, patch]: square patches every `stride` pixels down and across, overlapping where
    stride < patch; R = (S - patch) // stride + 1, C likewise. What is left over at the lower and right edge is not used."""
    x_BcSW = x_BSWc.permute(0, 3, 1, 2)
    return x_BcSW.unfold(2, patch, stride).unfold(3, patch, stride).permute(0, 2, 3, 1, 4, 5)


def shifted_crops(x_Pchw: Tensor, margin: int, *, training: bool) -> Tensor:
    """A crop smaller by `margin` pixels, at a place of each patch's own, in the middle of zeros of the old size. In training every place
    is as likely as another (torch's global generator), else it is the middle. The paper's 60 of 64 pixels are margin = 4: overlapping
    patches can then not be matched edge to edge."""
    P, _, h, w = x_Pchw.shape
    low = margin // 2
    device = x_Pchw.device
    offset_2P = torch.randint(0, margin + 1, (2, P), device=device) if training else torch.full((2, P), low, device=device)
    row_Ph1 = (offset_2P[0, :, None] + torch.arange(h - margin, device=device))[:, :, None]
    column_P1w = (offset_2P[1, :, None] + torch.arange(w - margin, device=device))[:, None]
    crop_Phwc = x_Pchw.permute(0, 2, 3, 1)[torch.arange(P, device=device)[:, None, None], row_Ph1, column_P1w]
    return F.pad(crop_Phwc.permute(0, 3, 1, 2), (low, margin - low, low, margin - low))


def flipped(x_Pchw: Tensor, share: float) -> Tensor:
    """Each patch mirrored left to right with probability `share`."""
    mirrored_P111 = torch.rand(len(x_Pchw), 1, 1, 1, device=x_Pchw.device) < share
    return torch.where(mirrored_P111, x_Pchw.flip(3), x_Pchw)


def single_colour(x_Pchw: Tensor, share: float) -> Tensor:
    """With probability `share`, a patch shows one of its colour channels, chosen at random, in place of all (two of three are
    dropped), so that patches cannot be matched by their hue."""
    P, c = x_Pchw.shape[:2]
    chosen_P = torch.randint(0, c, (P,), device=x_Pchw.device)
    alone_P = torch.rand(P, device=x_Pchw.device) < share
    one_P1hw = x_Pchw[torch.arange(P, device=x_Pchw.device), chosen_P].unsqueeze(1)
    return torch.where(alone_P[:, None, None, None], one_P1hw.expand_as(x_Pchw), x_Pchw)
