"""Pre-activation bottleneck blocks (ResNet-v2: He et al. 2016, arXiv:1603.05027) without statistics that patches could share."""

from collections.abc import Callable
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from torchcpc.contracts import CPCError, check_choice

# Width -> module on [P, width, height, width of picture]. "layer" normalises one patch by its own mean and variance, which tells the
# others nothing; batch norm would (Henaff et al. 2020, arXiv:1905.09272, section 4.1). The paper has none.
PATCH_NORMALISATIONS: dict[str, Callable[[int], nn.Module]] = {
    "layer": lambda channels: nn.GroupNorm(1, channels),
    "none": lambda channels: nn.Identity(),
}


class Pointwise(nn.Conv2d):
    """A 1x1 convolution as the product of all places that it is: with channels innermost nothing need be copied for it, and on small
    patches it is three times as fast as the library's convolution, backwards."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


class Bottleneck(nn.Module):
    """x + (1x1, 3x3, 1x1 convolutions of normalised, rectified x): [P, in, h, w] -> [P, out, h / stride, w / stride], rounded up. scale:
    standard deviation of the branch at initialisation, in units of its input."""

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
        y = self.before(x)
        if isinstance(self.shortcut, nn.Identity):
            return x + self.branch(y)
        # Where the shape changes, the shortcut starts from the rectified input too, as in the original. The stride is a slice: given
        # to the convolution, oneDNN's backward pass on CPUs with AVX2 writes past its memory for channels that are no multiple of 8
        # (torch 2.13.0, channels last: "double free or corruption").
        return self.shortcut(y[:, :, :: self.stride, :: self.stride]) + self.branch(y)


def residual_stacks(
    inputs: int, *, blocks: tuple[int, ...], channels: tuple[int, ...], inner: tuple[int, ...], normalisation: str
) -> nn.Sequential:
    """Stacks of bottlenecks, each but the first halving height and width in its first block; normalised and rectified at the end.

    blocks, channels, inner: of each stack, the number of blocks, their outputs and the width of their 3x3 convolution. Branches start at
    1 / sqrt(all blocks), so that variance stays of order one through any depth (compare Zhang et al. 2019, arXiv:1901.09321). Raises
    CPCError for lists that do not fit."""
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
