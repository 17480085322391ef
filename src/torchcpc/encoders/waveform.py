"""Turn a raw waveform into one vector every 10 ms: the strided convolutions of section 3.1 of the paper."""

from collections.abc import Sequence
from math import prod
from typing import Annotated

from annotated_types import MinLen
from torch import Tensor

from torchcpc.contracts import CPCError, OneOf, Size
from torchcpc.encoders.convolution import NORMALISATIONS, Kernel, causal_layers, rectified
from torchcpc.encoders.strided import Strided, check_input


class WaveformEncoder(Strided):
    """x [B, S] float, samples of one channel -> z [B, T, channels], with exactly T = floor(S / stride).

    The defaults are those of the paper: strides 5, 4, 2, 2, 2, kernels 10, 8, 4, 4, 4, 512 channels and ReLU. A step is 160
    samples (10 ms at 16 kHz), and the receptive field is 465 samples.

    Every layer is padded with kernel - stride zeros on the left only. The paper does not state its padding. With this
    choice the number of steps is exact. Step t sees no sample after (t+1)*stride - 1, and padding at the end of a recording
    changes no step.

    Args:
        inputs: Channels of the input. With several, x is [B, S, inputs].
        channels: Width of every layer, and of z.
        kernels: Positions that each layer sees, the first layer first. Each is at least its stride.
        strides: Positions from one output of each layer to the next. Their product is the length of a step.
        normalisation: What normalises the output of each layer, step by step.
    """

    def __init__(
        self,
        inputs: int = 1,
        *,
        channels: Size = 512,
        kernels: Annotated[Sequence[Kernel], MinLen(1)] = (10, 8, 4, 4, 4),
        strides: Annotated[Sequence[Kernel], MinLen(1)] = (5, 4, 2, 2, 2),
        normalisation: Annotated[str, OneOf(NORMALISATIONS)] = "channel",
    ) -> None:
        super().__init__()
        if not kernels:
            raise CPCError("kernels = (): an encoder needs at least one layer.")
        if len(kernels) != len(strides) or any(k < s or s < 1 for k, s in zip(kernels, strides, strict=False)):
            raise CPCError(
                f"kernels {tuple(kernels)} and strides {tuple(strides)}: one kernel per stride, each at least as long as its "
                "stride, or samples between steps would be skipped. Lengthen the kernel or shorten the stride."
            )
        if channels < 1:
            raise CPCError(f"channels = {channels}: an encoder needs at least one channel.")
        self.kernels, self.strides = tuple(kernels), tuple(strides)
        self.stride, self.receptive_field = prod(self.strides), 1
        for kernel, stride in zip(reversed(self.kernels), reversed(self.strides), strict=True):
            self.receptive_field = (self.receptive_field - 1) * stride + kernel
        self.dim, self.row_shape = channels, () if inputs == 1 else (inputs,)
        widths = (inputs, *[channels] * len(self.kernels))
        self.convolutions, self.normalisations = causal_layers(widths, self.kernels, self.strides, normalisation)

    def forward(self, x_BS: Tensor) -> Tensor:
        """Return z [B, T, channels] of samples [B, S]."""
        check_input(x_BS, "samples", self.row_shape, self.stride)
        return rectified(x_BS if self.row_shape else x_BS.unsqueeze(2), self.convolutions, self.normalisations)
