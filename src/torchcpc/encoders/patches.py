"""The patch grid of a picture, the orders of reading it, and the variation of single patches in training.

See section 3.2 of the paper, and section 4.2 of Henaff et al. 2020.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

# Each direction makes a sequence of every column or row: [B, R, C, ...] becomes [B, sequences, steps, ...].
DIRECTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "down": lambda x_BRC: x_BRC.transpose(1, 2),
    "up": lambda x_BRC: x_BRC.flip(1).transpose(1, 2),
    "right": lambda x_BRC: x_BRC,
    "left": lambda x_BRC: x_BRC.flip(2),
}


def sequences(views_BRC: Sequence[Tensor], directions: Sequence[str], *, lead: int) -> Tensor:
    """Lay out one grid per direction as sequences, in the order of `contracts.Layout`.

    Several directions, or a horizontal one, need R = C.

    Args:
        views_BRC: One grid [B, R, C, ...] per direction.
        directions: Names of the directions, keys of `DIRECTIONS`.
        lead: Zeros in front of the steps.

    Returns:
        Sequences, [B * views * columns, lead + steps, ...].
    """
    x_BVCT = torch.stack([DIRECTIONS[direction](x) for direction, x in zip(directions, views_BRC, strict=True)], dim=1)
    front = x_BVCT.new_zeros(*x_BVCT.shape[:3], lead, *x_BVCT.shape[4:])
    return torch.cat([front, x_BVCT], dim=3).flatten(0, 2)


def grid(x_BSWc: Tensor, *, patch: int, stride: int) -> Tensor:
    """Cut pictures into square patches.

    Patches overlap if stride < patch. Pixels left over at the lower and right edge are not used.

    Args:
        x_BSWc: Pictures.
        patch: Side of a patch in pixels.
        stride: Pixels from one patch to the next, down and across.

    Returns:
        Patches, [B, R, C, c, patch, patch], with R = (S - patch) // stride + 1, and C likewise.
    """
    x_BcSW = x_BSWc.permute(0, 3, 1, 2)
    return x_BcSW.unfold(2, patch, stride).unfold(3, patch, stride).permute(0, 2, 3, 1, 4, 5)


def shifted_crops(x_Pchw: Tensor, margin: int, *, training: bool) -> Tensor:
    """Crop each patch by `margin` pixels, and put the crop in the middle of zeros of the old size.

    In training, each patch is cropped at a random place; otherwise in the middle. The paper's 60 of 64 pixels are margin =
    4. Overlapping patches then cannot be matched edge to edge.

    Args:
        x_Pchw: Patches.
        margin: Pixels that are cropped.
        training: Whether places are random, by torch's global generator.
    """
    P, _, h, w = x_Pchw.shape
    low = margin // 2
    device = x_Pchw.device
    offset_2P = torch.randint(0, margin + 1, (2, P), device=device) if training else torch.full((2, P), low, device=device)
    row_Ph1 = (offset_2P[0, :, None] + torch.arange(h - margin, device=device))[:, :, None]
    column_P1w = (offset_2P[1, :, None] + torch.arange(w - margin, device=device))[:, None]
    crop_Phwc = x_Pchw.permute(0, 2, 3, 1)[torch.arange(P, device=device)[:, None, None], row_Ph1, column_P1w]
    return F.pad(crop_Phwc.permute(0, 3, 1, 2), (low, margin - low, low, margin - low))


def flipped(x_Pchw: Tensor, share: float) -> Tensor:
    """Mirror each patch left to right with a given probability.

    Args:
        x_Pchw: Patches.
        share: The probability.
    """
    mirrored_P111 = torch.rand(len(x_Pchw), 1, 1, 1, device=x_Pchw.device) < share
    return torch.where(mirrored_P111, x_Pchw.flip(3), x_Pchw)


def single_colour(x_Pchw: Tensor, share: float) -> Tensor:
    """Show one random colour channel in place of all, with a given probability for each patch.

    Patches then cannot be matched by their hue.

    Args:
        x_Pchw: Patches.
        share: The probability.
    """
    P, c = x_Pchw.shape[:2]
    chosen_P = torch.randint(0, c, (P,), device=x_Pchw.device)
    alone_P = torch.rand(P, device=x_Pchw.device) < share
    one_P1hw = x_Pchw[torch.arange(P, device=x_Pchw.device), chosen_P].unsqueeze(1)
    return torch.where(alone_P[:, None, None, None], one_P1hw.expand_as(x_Pchw), x_Pchw)
