"""Rows of channels with gaps -> rows that a network can take: scaled values, 0 where nothing was observed, and a mask."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from torchcpc.contracts import CPCError, Window


class Observed(nn.Module):
    """x [B, S, channels], NaN where missing -> [B, S, 2 * channels]: (x - mean) / scale or 0, then 1 where observed or 0.

    mean, scale: one each per channel, in the unit of the data; none at all stands for a single channel as it is. They are
    settings and not weights: `cpc train` fits them on the training sources and writes them down with the run, so that whatever is
    built from its settings (the model again, an untrained or supervised copy) scales alike.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Sequence[float], scale: Sequence[float]) -> None:
        super().__init__()
        if len(mean) != len(scale) or any(not s > 0 for s in scale):
            raise CPCError(
                f"encoder.mean of {len(mean)} and encoder.scale of {len(scale)} channels, {list(scale)}: one of each per channel, "
                "scales above 0. Leave both out to have them fitted."
            )
        self.channels = max(1, len(mean))
        self.register_buffer("mean", torch.tensor(mean or [0.0]), persistent=False)
        self.register_buffer("scale", torch.tensor(scale or [1.0]), persistent=False)

    def forward(self, x_BSF: Tensor) -> Tensor:
        if x_BSF.dim() != 3 or x_BSF.shape[2] != self.channels:
            raise CPCError(f"input of shape {tuple(x_BSF.shape)}: expected [batch, rows, {self.channels}].")
        seen_BSF = x_BSF.isfinite()
        # Filled before it is scaled: a NaN that is only masked afterwards would still be NaN in the gradient.
        filled_BSF = torch.where(seen_BSF, x_BSF, self.mean)
        return torch.cat([(filled_BSF - self.mean) / self.scale, seen_BSF.to(filled_BSF.dtype)], dim=2)


def observed_steps(window: Window, stride: int) -> Tensor:
    """[B, floor(S / stride)] bool: whether anything at all was observed in the `stride` rows of a step."""
    B, steps = len(window.x), window.x.shape[1] // stride
    return window.x[:, : steps * stride].isfinite().reshape(B, steps, -1).any(dim=2)
