"""Strided convolutions over time that see no future, on steps laid out as [B, T, C], and what normalises their outputs."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Annotated, cast

import torch
from annotated_types import Ge, Le
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from torchcpc.contracts import check_choice

# Width -> module on [..., C] that sees one step of one sequence and nothing else. Batch norm lets windows exchange statistics, and group
# or instance norm over time lets the past see the future; both make the contrastive task trivial (Rivière et al. 2020, arXiv:2002.02848).
# Layer norm over the channels of one step leaks neither way. Its statistics are float32 whatever the autocast. With channels innermost
# they are sums over neighbours in memory: on a CPU 15 times as fast as with time innermost, hence the layout [B, T, C].
NORMALISATIONS: dict[str, Callable[[int], nn.Module]] = {"channel": nn.LayerNorm, "none": lambda channels: nn.Identity()}


Kernel = Annotated[int, Ge(1), Le(1 << 14)]
"""Steps that a layer sees, or goes on by."""


class CausalConvolution(nn.Conv1d):
    """`causal_convolution` with weights of its own."""

    def forward(self, input: Tensor) -> Tensor:
        return causal_convolution(input, self.weight, cast(Tensor, self.bias), self.stride[0])


def causal_layers(widths: Sequence[int], kernels: Sequence[int], strides: Sequence[int], norm: str) -> list[nn.ModuleList]:
    """Convolutions from each width to the next, and the normalisation of each."""
    check_choice("normalisation", norm, NORMALISATIONS)
    layers = [CausalConvolution(*io, k, s) for io, k, s in zip(pairwise(widths), kernels, strides, strict=True)]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        # Zero, not PyTorch's uniform: quiet recordings would otherwise start out encoded by their bias alone.
        nn.init.zeros_(cast(Tensor, layer.bias))
    return [nn.ModuleList(layers), nn.ModuleList(map(NORMALISATIONS[norm], widths[1:]))]


def rectified(z_BTC: Tensor, layers: nn.ModuleList, normalisations: nn.ModuleList) -> Tensor:
    """z_BTC through all layers, each normalised and rectified."""
    for layer, normalise in zip(layers, normalisations, strict=True):
        # In place: neither the convolution nor the norm needs its output again for the gradient.
        z_BTC = torch.relu_(normalise(layer(z_BTC)))
    return z_BTC


def causal_convolution(x_BTC: Tensor, weight_OCk: Tensor, bias_O: Tensor, stride: int) -> Tensor:
    """[B, T, C] -> [B, floor(T / stride), O]: `F.conv1d` padded with k - stride zeros on the left only (k at least `stride`). Blocks of
    `stride` steps are laid side by side as channels, which costs nothing in this layout, and the kernel becomes ceil(k / stride) blocks
    of stride 1: the same sums as plain matrix products. `F.conv1d` would copy the input to [B, C, T] first."""
    outputs, inputs, k = weight_OCk.shape
    blocks = -(-k // stride)
    steps = x_BTC.shape[1] // stride
    plain = not torch.onnx.is_in_onnx_export()
    on_cpu = plain and x_BTC.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    if (plain and 0 < x_BTC.shape[0] * steps <= outputs) or (on_cpu and inputs * k <= outputs):
        # Few steps, as in a stream: there it is the weight that must not be copied (one step of the paper's layers: 0.2 ms, not 17).
        # Or few inputs, as in a first layer: then what each step sees is quickly copied, for a single product.
        x_BTCk = F.pad(x_BTC[:, : steps * stride], (0, 0, k - stride, 0)).unfold(1, k, stride)
        return F.linear(x_BTCk.flatten(2), weight_OCk.flatten(1), bias_O)
    # A kernel that is no whole number of blocks gets zeros at its old end.
    weight = F.pad(weight_OCk, (blocks * stride - k, 0)).unflatten(2, (blocks, stride))
    if on_cpu:
        x_BTL = x_BTC[:, : steps * stride].reshape(x_BTC.shape[0], steps, stride * inputs)
        return _BlockConvolution.apply(x_BTL, weight.permute(2, 0, 3, 1).reshape(blocks, outputs, stride * inputs), bias_O)
    x = F.pad(x_BTC[:, : steps * stride], (0, 0, (blocks - 1) * stride, 0))
    x_BRL = x.reshape(x.shape[0], steps + blocks - 1, stride * inputs)
    weight_OL1k = weight.permute(0, 3, 1, 2).reshape(outputs, stride * inputs, 1, blocks)
    return F.conv2d(x_BRL.transpose(1, 2).unsqueeze(2), weight_OL1k, bias_O).squeeze(2).transpose(1, 2)


class _BlockConvolution(torch.autograd.Function):
    """x_BTL, rows of L numbers, weight_kOL, bias_O -> y_BTO: y_t = bias + sum over j of weight_j x_{t-k+1+j}.

    Rows before the first are zeros that nobody writes down. Window by window and block by block a matrix product, forward and backward,
    that reads rows where they lie and adds to where the result goes. The library's own float32 convolution reaches this speed with AVX-512
    only: with AVX2 its backward pass takes three times as long.
    """

    @staticmethod
    def forward(ctx, x_BTL, weight_kOL, bias_O):
        ctx.save_for_backward(x_BTL, weight_kOL)
        y_BTO = bias_O.repeat(*x_BTL.shape[:2], 1)
        for x_TL, y_TO in zip(x_BTL, y_BTO, strict=True):
            for late, weight_OL in _by_lag(weight_kOL, len(x_TL)):
                y_TO[late:].addmm_(x_TL[: len(x_TL) - late], weight_OL.t())
        return y_BTO

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_BTO):  # pyright: ignore[reportIncompatibleMethodOverride]
        x_BTL, weight_kOL = ctx.saved_tensors
        steps, of_x, of_weight, of_bias = grad_BTO.shape[1], *ctx.needs_input_grad
        grad_x_BTL = torch.zeros_like(x_BTL) if of_x else None
        grad_weight_kOL = torch.zeros_like(weight_kOL) if of_weight else None
        for window, grad_TO in enumerate(grad_BTO):
            for late, weight_OL in _by_lag(weight_kOL, steps):
                if grad_x_BTL is not None:
                    grad_x_BTL[window, : steps - late].addmm_(grad_TO[late:], weight_OL)
                if grad_weight_kOL is not None:
                    grad_weight_kOL[-1 - late].addmm_(grad_TO[late:].t(), x_BTL[window, : steps - late])
        return grad_x_BTL, grad_weight_kOL, grad_BTO.sum(dim=(0, 1)) if of_bias else None


def _by_lag(weight_kOL: Tensor, steps: int) -> list[tuple[int, Tensor]]:
    """(steps that it looks back, weight) of each block that sees anything of so many steps."""
    lags = range(len(weight_kOL) - 1, -1, -1)
    return [(late, weight_OL) for late, weight_OL in zip(lags, weight_kOL, strict=True) if late < steps]
