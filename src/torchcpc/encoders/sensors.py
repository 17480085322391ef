"""Turn sensor series into vectors: one per row, or one per frame of rows."""

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
    """x [B, S, channels], NaN where missing -> [B, S, 2 * channels].

    The first half is (x - mean) / scale, or 0 if x is missing. The second half is 1 if x was observed, otherwise 0. A
    channel of scale 0 does not vary and counts as never observed.

    Mean and scale are settings, not weights. `cpc train` fits them on the training sources and writes them to the settings.
    Everything built from these settings then scales alike.

    Args:
        mean: Mean of each channel, in the unit of the data. Empty for a single channel that is not scaled.
        scale: Standard deviation of each channel, likewise.
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
        # A large mean with a small spread would cost significant digits, so it is subtracted in float64.
        self.register_buffer("mean", torch.tensor(mean or [0.0], dtype=torch.float64), persistent=False)
        self.register_buffer("scale", torch.tensor(scale or [1.0]), persistent=False)

    def forward(self, x_BSF: Tensor) -> Tensor:
        """Return scaled values, and where they were observed."""
        check_input(x_BSF, "rows", (self.channels,))
        seen_BSF, dtype = self.seen(x_BSF), self.scale.dtype
        # Filled before it is scaled: a NaN that is only masked afterwards would still be NaN in the gradient.
        filled_BSF = torch.where(seen_BSF, x_BSF.to(self.mean.dtype), self.mean)
        scaled_BSF = (filled_BSF - self.mean).to(dtype) / torch.where(self.scale > 0, self.scale, 1.0)
        return torch.cat([scaled_BSF, seen_BSF.to(dtype)], dim=2)

    def seen(self, x_BSF: Tensor) -> Tensor:
        """Return where a value was observed in a channel that is read.

        Args:
            x_BSF: Values, NaN where missing.

        Returns:
            Mask, bool [B, S, channels].
        """
        return x_BSF.isfinite() & (self.scale > 0)


class Sensors(Strided):
    """Base of sensor encoders: x [B, S, channels], NaN where missing -> z.

    A step without any observed value in its own rows is not valid. It is neither predicted nor a candidate, but the context
    still reads it.

    Args:
        mean: Mean of each channel, in the unit of the data.
        scale: Standard deviation of each channel.
    """

    takes_missing = True

    def __init__(self, mean: Sequence[float], scale: Sequence[float]) -> None:
        super().__init__()
        self.observed = Observed(mean, scale)
        self.row_shape = (self.observed.channels,)

    def steps(self, window: Window) -> Steps:
        """Return the metadata of the steps of a window. A step without observed values is not valid."""
        steps = strided_steps(window, self.stride)
        B, T = steps.valid.shape
        seen_BT = self.observed.seen(window.x[:, : T * self.stride]).reshape(B, T, -1).any(dim=2)
        return replace(steps, valid=steps.valid & seen_BT)


class SensorRows(Sensors):
    """z [B, S, dim]: a step is one row and sees only itself, for slow sensors.

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
        """Return z [B, S, dim] of rows [B, S, channels]."""
        return self.rows(self.observed(x_BSF))


class SensorFrames(Sensors):
    """z [B, floor(S / stride), dim], by the strided convolutions of `WaveformEncoder`.

    With the defaults, a step is 18 rows (50 ms at 360 Hz) and sees 48.

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
        """Return z [B, T, dim] of rows [B, S, channels]."""
        return self.frames(self.observed(x_BSF))
