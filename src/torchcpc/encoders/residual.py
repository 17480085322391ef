"""Pre-activation bottleneck blocks without statistics that patches could share (ResNet-v2: He et al. 2016, arXiv:1603.05027)."""

from collections.abc import Callable
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from torchcpc.contracts import CPCError, check_choice

# Width -> module on [P, width, height, width of picture]. "layer" normalises one patch by its own mean and variance, which
# reveals nothing about the others. Batch norm would (Henaff et al. 2020, arXiv:1905.09272, section 4.1). The paper uses
# none.
PATCH_NORMALISATIONS: dict[str, Callable[[int], nn.Module]] = {
    "layer": lambda channels: nn.GroupNorm(1, channels),
    "none": lambda channels: nn.Identity(),
}


class Pointwise(nn.Conv2d):
    """A 1x1 convolution, computed as one matrix product over all places.

    With channels innermost, nothing is copied. On small patches its backward pass is three times as fast as PyTorch's
    convolution.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution of a picture [B, C, h, w]."""
        return F.linear(input.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


class Bottleneck(nn.Module):
    """x + (1x1, 3x3, 1x1 convolutions of normalised, rectified x): [P, in, h, w] -> [P, out, h / stride, w / stride].

    Sizes are rounded up.

    Args:
        inputs: Channels of the input.
        inner: Channels of the 3x3 convolution.
        outputs: Channels of the output.
        stride: Stride of the 3x3 convolution.
        norm: Normalisation by width.
        scale: Standard deviation of the branch at initialisation, relative to its input.
    """

    def __init__(
        self, inputs: int, inner: int, outputs: int, stride: int, norm: Callable[[int], nn.Module], scale: float
    ) -> None:
        super().__init__()
        self.before = nn.Sequential(norm(inputs), nn.ReLU())  # not in place: without a norm this is the input itself
        first, middle = Pointwise(inputs, inner, bias=False), nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        last, act = Pointwise(inner, outputs), nn.ReLU(inplace=True)
        self.branch = nn.Sequential(first, norm(inner), act, middle, norm(inner), act, last)
        self.stride = stride
        self.shortcut = nn.Identity() if (stride, inputs) == (1, outputs) else Pointwise(inputs, outputs, bias=False)
        for convolution in (module for module in self.modules() if isinstance(module, nn.Conv2d)):
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        nn.init.zeros_(cast(Tensor, last.bias))
        with torch.no_grad():
            last.weight.mul_(scale)

    def forward(self, x: Tensor) -> Tensor:
        """Return the input plus its branch."""
        y = self.before(x)
        if isinstance(self.shortcut, nn.Identity):
            return x + self.branch(y)
        # Where the shape changes, the shortcut also starts from the rectified input, as in the original. The stride is a
        # slice, because oneDNN's backward pass of a strided convolution writes past its memory on CPUs with AVX2, for
        # channels that are no multiple of 8 (torch 2.13.0, channels last: "double free or corruption").
        return self.shortcut(y[:, :, :: self.stride, :: self.stride]) + self.branch(y)


def residual_stacks(
    inputs: int, *, blocks: tuple[int, ...], channels: tuple[int, ...], inner: tuple[int, ...], normalisation: str
) -> nn.Sequential:
    """Build stacks of bottlenecks, normalised and rectified at the end.

    Every stack after the first halves height and width in its first block. Branches start with a scale of 1 / sqrt(all
    blocks), so the variance stays of order one at any depth (compare Zhang et al. 2019, arXiv:1901.09321).

    Args:
        inputs: Channels of the input.
        blocks: Blocks of each stack.
        channels: Outputs of each stack.
        inner: Width of the 3x3 convolutions of each stack.
        normalisation: Name of the normalisation, one of `PATCH_NORMALISATIONS`.

    Raises:
        CPCError: If the lists differ in length or hold numbers below 1.
    """
    if not blocks or not len(blocks) == len(channels) == len(inner) or min((*blocks, *channels, *inner)) < 1:
        raise CPCError(
            f"blocks {blocks}, channels {channels}, inner {inner}: one positive number per stack in each. Make the lists equally long."
        )
    check_choice("normalisation", normalisation, PATCH_NORMALISATIONS)
    norm, scale = PATCH_NORMALISATIONS[normalisation], sum(blocks) ** -0.5
    layers = [
        Bottleneck(o if block else i, width, o, 2 if stack and not block else 1, norm, scale)
        for stack, ((i, o), count, width) in enumerate(zip(pairwise((inputs, *channels)), blocks, inner, strict=True))
        for block in range(count)
    ]
    return nn.Sequential(*layers, norm(channels[-1]), nn.ReLU(inplace=True))
