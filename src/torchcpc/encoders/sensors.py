"""Sensor series -> vectors: one for every row, or one for every frame of rows that strided convolutions make."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import torch
from annotated_types import MinLen
from torch import Tensor, nn

from torchcpc.contracts import CPCError, NotNegative, OneOf, Size, Steps, Window
from torchcpc.encoders.convolution import NORMALISATIONS, Kernel
from torchcpc.encoders.strided import Strided, check_input, strided_steps
from torchcpc.encoders.vectors import VectorEncoder
from torchcpc.encoders.waveform import WaveformEncoder


class Observed(nn.Module):
    """x [B, S, channels], NaN where missing -> [B, S, 2 * channels]: (x - mean) / scale or 0, then 1 where observed or 0.

    mean, scale: one each per channel, in the unit of the data; none at all stands for a single channel as it is. A channel of scale 0 does
    not vary, and counts as never observed. They are settings and not
    weights: `cpc train` fits them on the training sources and writes them down, so that all that is built from these settings scales alike.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Sequence[float], scale: Sequence[float]) -> None:
        super().__init__()
        if len(mean) != len(scale) or any(not s >= 0 for s in scale):
            raise CPCError(
                f"encoder.mean of {len(mean)} and encoder.scale of {len(scale)} channels, {list(scale)}: one of each per channel, "
                "scales above 0, or 0 for a channel that is not read. Leave both out to have them fitted."
            )
        self.channels = max(1, len(mean))
        # A large mean beside a small spread would cost the digits that count, so it is subtracted in float64.
        self.register_buffer("mean", torch.tensor(mean or [0.0], dtype=torch.float64), persistent=False)
        self.register_buffer("scale", torch.tensor(scale or [1.0]), persistent=False)

    def forward(self, x_BSF: Tensor) -> Tensor:
        check_input(x_BSF, "rows", (self.channels,))
        seen_BSF, dtype = self.seen(x_BSF), self.scale.dtype
        # Filled before it is scaled: a NaN that is only masked afterwards would still be NaN in the gradient.
        filled_BSF = torch.where(seen_BSF, x_BSF.to(self.mean.dtype), self.mean)
        scaled_BSF = (filled_BSF - self.mean).to(dtype) / torch.where(self.scale > 0, self.scale, 1.0)
        return torch.cat([scaled_BSF, seen_BSF.to(dtype)], dim=2)

    def seen(self, x_BSF: Tensor) -> Tensor:
        """Where something was observed in a channel that is read: [B, S, channels] bool."""
        return x_BSF.isfinite() & (self.scale > 0)


class Sensors(Strided):
    """x [B, S, channels], NaN where missing -> z. A step in whose own rows nothing was observed is not valid: it is neither predicted nor
    a candidate, but the context passes over it."""

    takes_missing = True

    def __init__(self, mean: Sequence[float], scale: Sequence[float]) -> None:
        super().__init__()
        self.observed = Observed(mean, scale)
        self.row_shape = (self.observed.channels,)

    def steps(self, window: Window) -> Steps:
        steps = strided_steps(window, self.stride)
        B, T = steps.valid.shape
        seen_BT = self.observed.seen(window.x[:, : T * self.stride]).reshape(B, T, -1).any(dim=2)
        return replace(steps, valid=steps.valid & seen_BT)


class SensorRows(Sensors):
    """z [B, S, dim]: a step is a row and sees only itself, for slow sensors.

    Args:
        dim: Width of z.
        hidden: Width of the layer before z.
        mean: Mean of each channel, in the unit of the data. Fitted on the training sources where it is empty.
        scale: Standard deviation of each channel, 0 for a channel that is not read. Fitted where it is empty.
    """

    def __init__(
        self, *, dim: Size = 64, hidden: Size = 128, mean: Sequence[float] = (), scale: Sequence[NotNegative] = ()
    ) -> None:
        super().__init__(mean, scale)
        self.dim, self.rows = dim, VectorEncoder(features=2 * self.observed.channels, dim=dim, hidden=hidden)

    def forward(self, x_BSF: Tensor) -> Tensor:
        return self.rows(self.observed(x_BSF))


class SensorFrames(Sensors):
    """z [B, floor(S / stride), dim] by the strided convolutions of `WaveformEncoder`. The defaults make a step of 18 rows (50 ms at 360
    Hz) that sees 48.

    Args:
        dim: Width of every layer, and of z.
        kernels: Positions that each layer sees, the first layer first. Each is at least its stride.
        strides: Positions from one output of each layer to the next. Their product is the rows of a step.
        normalisation: What normalises the output of each layer, step by step.
        mean: Mean of each channel, in the unit of the data. Fitted on the training sources where it is empty.
        scale: Standard deviation of each channel, 0 for a channel that is not read. Fitted where it is empty.
    """

    def __init__(
        self,
        *,
        dim: Size = 128,
        kernels: Annotated[Sequence[Kernel], MinLen(1)] = (6, 6, 4),
        strides: Annotated[Sequence[Kernel], MinLen(1)] = (3, 3, 2),
        normalisation: Annotated[str, OneOf(NORMALISATIONS)] = "channel",
        mean: Sequence[float] = (),
        scale: Sequence[NotNegative] = (),
    ) -> None:
        super().__init__(mean, scale)
        inputs = 2 * self.observed.channels
        self.frames = WaveformEncoder(inputs, channels=dim, kernels=kernels, strides=strides, normalisation=normalisation)
        self.dim, self.stride, self.receptive_field = dim, self.frames.stride, self.frames.receptive_field

    def forward(self, x_BSF: Tensor) -> Tensor:
        return self.frames(self.observed(x_BSF))
