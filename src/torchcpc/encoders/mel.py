"""Raw samples -> log power in mel bands -> one vector every 10 ms: a fixed front end under a few learned layers.

The bands are what the waveform encoder has to learn first; where speech is scarce they spare it that, and most of the encoder's
arithmetic. They also give variation in training a cheap place: a longer or shorter vocal tract stretches the frequency axis (Jaitly
and Hinton 2013), which here is another set of filters; a louder voice and a narrower line are a factor and a cut.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from torchcpc.contracts import CPCError, Layout, Steps, Window
from torchcpc.encoders.convolution import causal_convolution
from torchcpc.encoders.normalisation import NORMALISATIONS, check_normalisation
from torchcpc.encoders.strided import strided_steps

# Power of a frame below which nothing is told apart: about the rounding of 16-bit samples, so that bands which a narrow line left
# empty read as silent ones and not as so many logarithms of rounding errors.
FLOOR = 1e-5
# Centre and spread of log power at an ordinary level: numbers of unit size for the first layer.
CENTRE, SPREAD = -4.0, 4.0


@dataclass(kw_only=True, eq=False, repr=False)
class MelEncoder(nn.Module):
    """x [B, S] float in [-1, 1] -> z [B, floor(S / stride), channels]. Step t sees the `window` samples that end at (t+1)*stride - 1,
    zeros before the start, and kernel - 1 frames before for every layer.

    window, stride: samples (25 and 10 ms at 16 kHz); bands: mel bands between low and high Hz at `sample_rate`; kernels: frames
    that each layer sees, one layer each.

    Training varies each sequence, by torch's generator. warp: the frequency axis is stretched by exp of uniform(-warp, warp). gain:
    the wave is multiplied by exp of uniform(-gain, gain). narrow: the share of sequences whose bands end at a frequency between a
    quarter and a half of the sampling rate. two_voices: targets are of another variation than the steps that predict them, so that
    what varies cannot help to predict.
    """

    takes_missing = False

    channels: int = 256
    kernels: Sequence[int] = (1, 1)
    bands: int = 40
    window: int = 400
    stride: int = 160
    sample_rate: int = 16_000
    low: float = 20.0
    high: float = 8_000.0
    normalisation: str = "channel"
    warp: float = 0.0
    gain: float = 0.0
    narrow: float = 0.0
    two_voices: bool = False
    fourier_SF: Tensor = field(init=False)
    hz_F: Tensor = field(init=False)

    def __post_init__(self) -> None:
        super().__init__()
        self._check()
        self.kernels = tuple(self.kernels)
        self.dim, self.row_shape = self.channels, ()
        self.receptive_field = self.window + sum(kernel - 1 for kernel in self.kernels) * self.stride
        self.layout = Layout(augmentations=2 if self.two_voices else 1)
        size = 1 << (self.window - 1).bit_length()
        hz_F = torch.arange(size // 2 + 1, dtype=torch.float64) * self.sample_rate / size
        angle_SF = 2 * math.pi * torch.arange(self.window, dtype=torch.float64)[:, None] * torch.arange(len(hz_F)) / size
        # Hamming's taper does not vanish at its ends, so that a step sees all the samples it is said to see.
        taper_S1 = torch.hamming_window(self.window, periodic=False, dtype=torch.float64)[:, None]
        # Not weights: functions of the settings, which a saved model need not hold.
        self.register_buffer(
            "fourier_SF", (taper_S1 * torch.cat([angle_SF.cos(), angle_SF.sin()], dim=1)).float(), persistent=False
        )
        self.register_buffer("hz_F", hz_F.float(), persistent=False)
        widths = (self.bands, *[self.channels] * len(self.kernels))
        layers = [nn.Conv1d(i, o, k) for (i, o), k in zip(pairwise(widths), self.kernels, strict=True)]
        self.layers = nn.ModuleList(layers)
        self.normalisations = nn.ModuleList(NORMALISATIONS[self.normalisation](self.channels) for _ in self.kernels)
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(cast(Tensor, layer.bias))

    def _check(self) -> None:
        """Raises CPCError for settings that do not fit."""
        kernels, channels, bands = tuple(self.kernels), self.channels, self.bands
        if not kernels or min(kernels) < 1 or channels < 1 or bands < 2:
            raise CPCError(
                f"kernels = {kernels}, channels = {channels}, bands = {bands}: at least one layer of one frame, one channel, "
                "two bands."
            )
        if not 1 <= self.stride <= self.window:
            raise CPCError(
                f"window = {self.window}, stride = {self.stride}: a window is at least as long as its stride, or samples are lost."
            )
        if not 0 <= self.low < self.high <= self.sample_rate / 2:
            raise CPCError(
                f"low = {self.low}, high = {self.high}: 0 <= low < high <= half of sample_rate = {self.sample_rate}."
            )
        check_normalisation(self.normalisation, NORMALISATIONS)
        if not 0 <= self.warp < 1 or not 0 <= self.gain < 10 or not 0 <= self.narrow <= 1:
            raise CPCError(
                f"warp = {self.warp}, gain = {self.gain}, narrow = {self.narrow}: from 0 to less than 1, to less than 10, to 1."
            )

    def forward(self, x_BS: Tensor) -> Tensor:
        if x_BS.dim() != 2 or x_BS.shape[1] < self.stride:
            raise CPCError(
                f"input of shape {tuple(x_BS.shape)}: expected [batch, samples] with at least {self.stride} samples (one step)."
            )
        z_BTC = self.log_mel(x_BS)
        for layer, normalise in zip(self.layers, self.normalisations, strict=True):
            z_BTC = causal_convolution(z_BTC, cast(Tensor, layer.weight), cast(Tensor, layer.bias), 1)
            z_BTC = torch.relu_(normalise(z_BTC))
        return z_BTC

    def log_mel(self, x_BS: Tensor) -> Tensor:
        """[B, floor(S / stride), bands] log power, centred and scaled by constants; varied in training."""
        # In float32 whatever the autocast: a quiet band beside a loud one is lost in the 8 bits of bfloat16.
        with torch.autocast(x_BS.device.type, enabled=False):
            weight_F1S = self.fourier_SF.t().unsqueeze(1)
            wave_BTF = causal_convolution(
                x_BS.to(weight_F1S).unsqueeze(2), weight_F1S, weight_F1S.new_zeros(len(weight_F1S)), self.stride
            )
            cosine_BTF, sine_BTF = wave_BTF.chunk(2, dim=2)
            filters, factor_B11 = self._drawn(len(x_BS)) if self.training else (self.filters(), 1.0)
            power_BTM = (cosine_BTF.square() + sine_BTF.square()) @ filters * factor_B11
            return ((power_BTM + FLOOR).log() - CENTRE) / SPREAD

    def filters(self, stretch_B: Tensor | None = None) -> Tensor:
        """Triangles of equal width in mel: [F, bands], or [B, F, bands] for frequency axes stretched by `stretch_B`."""
        hz = self.hz_F if stretch_B is None else self.hz_F * stretch_B[:, None]
        edges = torch.linspace(
            float(_mel(self.hz_F.new_tensor(self.low))), float(_mel(self.hz_F.new_tensor(self.high))), self.bands + 2
        )
        centre_M, width = edges[1:-1].to(hz), float(edges[1] - edges[0])
        return (1 - (_mel(hz)[..., None] - centre_M).abs() / width).clamp_min(0)

    def _drawn(self, B: int) -> tuple[Tensor, Tensor]:
        """Filters [B, F, bands] and factors of the power [B, 1, 1] of one variation for each sequence."""
        like = self.hz_F

        def uniform(low: float, high: float) -> Tensor:
            return torch.empty(B, device=like.device, dtype=like.dtype).uniform_(low, high)

        filters_BFM = self.filters(uniform(-self.warp, self.warp).exp())
        if self.narrow:
            end_B = torch.where(uniform(0, 1) < self.narrow, uniform(0.25, 0.5), 0.5) * self.sample_rate
            filters_BFM = filters_BFM * (like <= end_B[:, None])[..., None]
        return filters_BFM, (2 * uniform(-self.gain, self.gain)).exp()[:, None, None]

    def steps(self, window: Window) -> Steps:
        return strided_steps(window, self.stride)


def _mel(hz: Tensor) -> Tensor:
    return 1127.0 * (1 + hz / 700.0).log()
