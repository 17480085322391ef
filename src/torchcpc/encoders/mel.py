"""Turn raw samples into log power in mel bands, and this into one vector every 10 ms.

A fixed front end is followed by a few learned layers. The bands are what the waveform encoder has to learn first. Where
speech is scarce they save that learning, and most of the encoder's arithmetic. They also make it cheap to vary the training
data. A longer or shorter vocal tract stretches the frequency axis (Jaitly and Hinton 2013), which is another set of filters
here. A louder voice is a factor, and a narrower line is a cut.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import torch
from annotated_types import Ge, Le, Lt, MinLen
from torch import Tensor

from torchcpc.contracts import CPCError, Layout, OneOf, Share, Size
from torchcpc.encoders.convolution import NORMALISATIONS, Kernel, causal_convolution, causal_layers, rectified
from torchcpc.encoders.strided import Strided, check_input

# Frames of lower power are not distinguished. This is about the rounding of 16-bit samples. Bands that a narrow line left
# empty thus count as silent, and not as logarithms of rounding errors.
FLOOR = 1e-5
# Centre and spread of log power at an ordinary level, so that the first layer receives numbers of unit size.
CENTRE, SPREAD = -4.0, 4.0
# Most samples of the Fourier transform, which is stored as a matrix.
_LONGEST = 1 << 13


@dataclass(kw_only=True, eq=False, repr=False)
class MelEncoder(Strided):
    """x [B, S] float in [-1, 1] -> z [B, floor(S / stride), channels].

    Step t sees the `window` samples that end at (t+1)*stride - 1, with zeros before the start. Each layer also sees kernel
    - 1 earlier frames. Training varies each sequence, with random numbers of torch.

    Args:
        channels: Width of every layer, and of z.
        kernels: Frames that each layer sees. Their number is the number of layers.
        bands: Mel bands between `low` and `high`.
        window: Samples of a frame (400 are 25 ms at 16 kHz). At least `stride`.
        stride: Samples from one step to the next (160 are 10 ms at 16 kHz).
        sample_rate: Samples per second of the input. Equal to data.sample_rate.
        low: Lowest frequency of the bands, in Hz.
        high: Highest frequency of the bands, in Hz. At most half of `sample_rate`.
        normalisation: What normalises the output of each layer, step by step.
        warp: Training stretches the frequency axis by exp of uniform(-warp, warp), which varies the voice.
        gain: Training multiplies the wave by exp of uniform(-gain, gain), which varies the level.
        narrow: Share of training windows whose bands end early, as on a telephone line.
        two_voices: Whether targets get a new variation, so that the variation cannot help to predict.
    """

    channels: Size = 256
    kernels: Annotated[Sequence[Kernel], MinLen(1)] = (1, 1)
    bands: Annotated[int, Ge(2), Le(1024)] = 40
    window: Annotated[int, Ge(1), Le(_LONGEST)] = 400
    stride: Annotated[int, Ge(1), Le(_LONGEST)] = 160
    sample_rate: Annotated[int, Ge(1_000), Le(192_000)] = 16_000
    low: Annotated[float, Ge(0)] = 20.0
    high: Annotated[float, Ge(1)] = 8_000.0
    normalisation: Annotated[str, OneOf(NORMALISATIONS)] = "channel"
    warp: Annotated[float, Ge(0), Lt(1)] = 0.0
    gain: Annotated[float, Ge(0), Lt(10)] = 0.0
    narrow: Share = 0.0
    two_voices: bool = False
    fourier_SF: Tensor = field(init=False)
    hz_F: Tensor = field(init=False)

    def __post_init__(self) -> None:
        super().__init__()
        kernels = self.kernels = tuple(self.kernels)
        channels, bands, window, stride, low, high = self.channels, self.bands, self.window, self.stride, self.low, self.high
        if not kernels or min(kernels) < 1 or channels < 1 or bands < 2:
            raise CPCError(f"{kernels = }, {channels = }, {bands = }: at least one layer of one frame, one channel, two bands.")
        if not 1 <= stride <= window:
            raise CPCError(f"{window = }, {stride = }: a window is at least as long as its stride, or samples are lost.")
        if not 0 <= low < high <= self.sample_rate / 2:
            raise CPCError(f"{low = }, {high = }: 0 <= low < high <= half of sample_rate = {self.sample_rate}.")
        warp, gain, narrow = self.warp, self.gain, self.narrow
        if not 0 <= warp < 1 or not 0 <= gain < 10 or not 0 <= narrow <= 1:
            raise CPCError(f"{warp = }, {gain = }, {narrow = }: from 0 to less than 1, to less than 10, to 1.")
        self.dim, self.row_shape = channels, ()
        self.receptive_field = window + sum(kernel - 1 for kernel in kernels) * stride
        self.layout = Layout(augmentations=2 if self.two_voices else 1)
        size = 1 << (window - 1).bit_length()
        hz_F = torch.arange(size // 2 + 1, dtype=torch.float64) * self.sample_rate / size
        angle_SF = 2 * math.pi * torch.arange(window, dtype=torch.float64)[:, None] * torch.arange(len(hz_F)) / size
        # Hamming's taper does not vanish at its ends, so a step really sees all samples of its window.
        taper_S1 = torch.hamming_window(window, periodic=False, dtype=torch.float64)[:, None]
        # Not weights: they follow from the settings, so a saved model need not hold them.
        fourier_SF = (taper_S1 * torch.cat([angle_SF.cos(), angle_SF.sin()], dim=1)).float()
        self.register_buffer("fourier_SF", fourier_SF, persistent=False)
        self.register_buffer("hz_F", hz_F.float(), persistent=False)
        widths = (bands, *[channels] * len(kernels))
        self.layers, self.normalisations = causal_layers(widths, kernels, [1] * len(kernels), self.normalisation)

    def forward(self, x_BS: Tensor) -> Tensor:
        """Return z [B, T, channels] of samples [B, S]."""
        check_input(x_BS, "samples", (), self.stride)
        return rectified(self.log_mel(x_BS), self.layers, self.normalisations)

    def log_mel(self, x_BS: Tensor) -> Tensor:
        """Return the log power in mel bands, varied in training.

        Args:
            x_BS: Samples.

        Returns:
            Log power, centred and scaled by constants, [B, floor(S / stride), bands].
        """
        # In float32 under any autocast: the 8 bits of bfloat16 would lose a quiet band next to a loud one.
        with torch.autocast(x_BS.device.type, enabled=False):
            weight_F1S = self.fourier_SF.t().unsqueeze(1)
            bias_F = weight_F1S.new_zeros(len(weight_F1S))
            wave_BTF = causal_convolution(x_BS.to(weight_F1S).unsqueeze(2), weight_F1S, bias_F, self.stride)
            cosine_BTF, sine_BTF = wave_BTF.chunk(2, dim=2)
            filters, factor_B11 = self._drawn(len(x_BS)) if self.training else (self.filters(), 1.0)
            power_BTM = (cosine_BTF.square() + sine_BTF.square()) @ filters * factor_B11
            return ((power_BTM + FLOOR).log() - CENTRE) / SPREAD

    def filters(self, stretch_B: Tensor | None = None) -> Tensor:
        """Return triangular filters of equal width in mel.

        Args:
            stretch_B: Factor that stretches each frequency axis. None for one unstretched axis.

        Returns:
            Filters, [F, bands], or [B, F, bands] with `stretch_B`.
        """
        hz = self.hz_F if stretch_B is None else self.hz_F * stretch_B[:, None]
        low, high = (float(_mel(self.hz_F.new_tensor(end))) for end in (self.low, self.high))
        edges = torch.linspace(low, high, self.bands + 2)
        centre_M, width = edges[1:-1].to(hz), float(edges[1] - edges[0])
        return (1 - (_mel(hz)[..., None] - centre_M).abs() / width).clamp_min(0)

    def _drawn(self, B: int) -> tuple[Tensor, Tensor]:
        """Return filters [B, F, bands] and power factors [B, 1, 1] of one random variation per sequence."""
        like = self.hz_F

        def uniform(low: float, high: float) -> Tensor:
            return torch.empty(B, device=like.device, dtype=like.dtype).uniform_(low, high)

        filters_BFM = self.filters(uniform(-self.warp, self.warp).exp())
        if self.narrow:
            end_B = torch.where(uniform(0, 1) < self.narrow, uniform(0.25, 0.5), 0.5) * self.sample_rate
            filters_BFM = filters_BFM * (like <= end_B[:, None])[..., None]
        return filters_BFM, (2 * uniform(-self.gain, self.gain)).exp()[:, None, None]


def _mel(hz: Tensor) -> Tensor:
    return 1127.0 * (1 + hz / 700.0).log()
