"""Rows of numbers (sensor values, a line of pixels) -> one vector each."""

from __future__ import annotations

from torch import Tensor, nn

from torchcpc.contracts import CPCError, Layout, Steps, Window
from torchcpc.encoders.strided import strided_steps


class VectorEncoder(nn.Module):
    """x [B, S, features] -> z [B, S, dim]: the same small network on every row, so a step is a row and sees only itself."""

    takes_missing = False

    def __init__(self, *, features: int, dim: int = 128, hidden: int = 256) -> None:
        super().__init__()
        if features < 1:
            raise CPCError(
                f"features = {features}: a row has at least one value. Set encoder.features to the width of your rows."
            )
        self.dim, self.features, self.layout = dim, features, Layout()
        self.row_shape = (features,)
        self.stride, self.receptive_field = 1, 1
        self.layers = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, dim))

    def forward(self, x_BSF: Tensor) -> Tensor:
        if x_BSF.dim() != 3 or x_BSF.shape[2] != self.features:
            raise CPCError(f"input of shape {tuple(x_BSF.shape)}: expected [batch, rows, {self.features}].")
        return self.layers(x_BSF)

    def steps(self, window: Window) -> Steps:
        return strided_steps(window, self.stride)
