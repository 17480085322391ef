"""Orders in which a grid of patches can be read: each makes a sequence of every column (or row), its steps one row (column) apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# Name -> [B, R, C, ...] as [B, sequences, steps, ...].
DIRECTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "down": lambda x_BRC: x_BRC.transpose(1, 2),
    "up": lambda x_BRC: x_BRC.flip(1).transpose(1, 2),
    "right": lambda x_BRC: x_BRC,
    "left": lambda x_BRC: x_BRC.flip(2),
}


def sequences(x_BRC: Tensor, directions: Sequence[str], *, lead: int) -> Tensor:
    """[B, R, C, ...] -> [B * views * columns, lead + steps, ...] in the order of contracts.Layout; zeros in front of the steps.

    More than one direction, or one across, needs R = C.
    """
    x_BVCT = torch.stack([DIRECTIONS[direction](x_BRC) for direction in directions], dim=1)
    front = x_BVCT.new_zeros(*x_BVCT.shape[:3], lead, *x_BVCT.shape[4:])
    return torch.cat([front, x_BVCT], dim=3).flatten(0, 2)
