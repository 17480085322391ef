"""Raw waveform -> one vector every 10 ms: the strided convolutions of the paper, section 3.1."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import cast

import torch
from torch import Tensor, nn

from torchcpc.contracts import CPCError, Layout, Steps, Window
from torchcpc.encoders.convolution import causal_convolution
from torchcpc.encoders.normalisation import NORMALISATIONS, check_normalisation
from torchcpc.encoders.strided import strided_steps


class WaveformEncoder(nn.Module):
    """x [B, S] float, samples of one channel -> z [B, T, channels], T = floor(S / stride) exactly.

    The defaults are the paper's: strides 5,4,2,2,2, kernels 10,8,4,4,4, 512 channels, ReLU: one step per 160 samples (10 ms at
    16 kHz), receptive field 465 samples. Every layer is padded with kernel - stride zeros on the left only. The paper does not
    state its padding; this choice makes the count of steps exact, keeps step t from seeing any sample after (t+1)*stride - 1,
    and leaves every step unchanged when a recording is padded at its end. With several `inputs`, x is [B, S, inputs].
    """

    takes_missing = False

    def __init__(
        self,
        inputs: int = 1,
        *,
        channels: int = 512,
        kernels: Sequence[int] = (10, 8, 4, 4, 4),
        strides: Sequence[int] = (5, 4, 2, 2, 2),
        normalisation: str = "channel",
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
        check_normalisation(normalisation, NORMALISATIONS)
        self.kernels, self.strides = tuple(kernels), tuple(strides)
        self.stride, self.receptive_field = prod(self.strides), 1
        for kernel, stride in zip(reversed(self.kernels), reversed(self.strides), strict=True):
            self.receptive_field = (self.receptive_field - 1) * stride + kernel
        self.dim, self.row_shape, self.layout = channels, () if inputs == 1 else (inputs,), Layout()
        widths = (inputs, *[channels] * len(self.kernels))
        convolutions = [
            nn.Conv1d(i, o, k, stride=s) for (i, o), k, s in zip(pairwise(widths), self.kernels, self.strides, strict=True)
        ]
        self.convolutions = nn.ModuleList(convolutions)
        self.normalisations = nn.ModuleList(NORMALISATIONS[normalisation](channels) for _ in self.kernels)
        for convolution in convolutions:
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            # Zero, not PyTorch's uniform: quiet recordings would otherwise start out encoded by their bias alone.
            nn.init.zeros_(cast(Tensor, convolution.bias))

    def forward(self, x_BS: Tensor) -> Tensor:
        if x_BS.shape[2:] != self.row_shape or x_BS.dim() < 2 or x_BS.shape[1] < self.stride:
            wanted = ", ".join(["batch", "samples", *map(str, self.row_shape)])
            raise CPCError(
                f"input of shape {tuple(x_BS.shape)}: expected [{wanted}] with at least {self.stride} samples (one step)."
            )
        z_BTC = x_BS if self.row_shape else x_BS.unsqueeze(2)
        for convolution, normalise, stride in zip(self.convolutions, self.normalisations, self.strides, strict=True):
            z_BTC = causal_convolution(z_BTC, cast(Tensor, convolution.weight), cast(Tensor, convolution.bias), stride)
            # In place: neither the convolution nor the norm needs its output again for the gradient.
            z_BTC = torch.relu_(normalise(z_BTC))
        return z_BTC

    def steps(self, window: Window) -> Steps:
        return strided_steps(window, self.stride)
