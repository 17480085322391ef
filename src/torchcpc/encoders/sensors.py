"""Sensor series -> vectors: one for every row, or one for every frame of rows that strided convolutions make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor, nn

from torchcpc.contracts import Layout, Steps, Window
from torchcpc.encoders.observed import Observed, observed_steps
from torchcpc.encoders.strided import strided_steps
from torchcpc.encoders.vectors import VectorEncoder
from torchcpc.encoders.waveform import WaveformEncoder


class SensorRows(nn.Module):
    """x [B, S, channels], NaN where missing -> z [B, S, dim]: a step is a row and sees only itself, for slow sensors.

    A row in which nothing was observed is no valid step: it is neither predicted nor a candidate, but the context passes over it.
    """

    takes_missing = True

    def __init__(self, *, dim: int = 64, hidden: int = 128, mean: Sequence[float] = (), scale: Sequence[float] = ()) -> None:
        super().__init__()
        self.observed = Observed(mean, scale)
        self.rows = VectorEncoder(features=2 * self.observed.channels, dim=dim, hidden=hidden)
        self.dim, self.row_shape, self.layout = dim, (self.observed.channels,), Layout()
        self.stride, self.receptive_field = 1, 1

    def forward(self, x_BSF: Tensor) -> Tensor:
        return self.rows(self.observed(x_BSF))

    def steps(self, window: Window) -> Steps:
        return _valid_where_observed(window, self.stride)


class SensorFrames(nn.Module):
    """x [B, S, channels], NaN where missing -> z [B, floor(S / stride), dim] by the strided convolutions of `WaveformEncoder`.

    The defaults make a step of 18 rows (50 ms at 360 Hz) that sees 48. A step in whose own rows nothing was observed is not valid.
    """

    takes_missing = True

    def __init__(
        self,
        *,
        dim: int = 128,
        kernels: Sequence[int] = (6, 6, 4),
        strides: Sequence[int] = (3, 3, 2),
        normalisation: str = "channel",
        mean: Sequence[float] = (),
        scale: Sequence[float] = (),
    ) -> None:
        super().__init__()
        self.observed = Observed(mean, scale)
        inputs = 2 * self.observed.channels
        self.frames = WaveformEncoder(inputs, channels=dim, kernels=kernels, strides=strides, normalisation=normalisation)
        self.stride, self.receptive_field = self.frames.stride, self.frames.receptive_field
        self.dim, self.row_shape, self.layout = dim, (self.observed.channels,), Layout()

    def forward(self, x_BSF: Tensor) -> Tensor:
        return self.frames(self.observed(x_BSF))

    def steps(self, window: Window) -> Steps:
        return _valid_where_observed(window, self.stride)


def _valid_where_observed(window: Window, stride: int) -> Steps:
    steps = strided_steps(window, stride)
    return replace(steps, valid=steps.valid & observed_steps(window, stride))
