"""Strided convolutions over time that see no future, for steps laid out as [B, T, C], and their normalisations."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Annotated, cast

import torch
from annotated_types import Ge, Le
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from torchcpc.contracts import check_choice

# Width -> module on [..., C] that sees one step of one sequence. Batch norm lets windows exchange statistics. Group and
# instance norm over time let the past see the future. Both make the contrastive task trivial (Rivière et al. 2020,
# arXiv:2002.02848). Layer norm over the channels of one step leaks neither way. Its statistics are float32 under any
# autocast. With channels innermost they are sums over neighbours in memory, on a CPU 15 times as fast as with time
# innermost. Hence the layout [B, T, C].
NORMALISATIONS: dict[str, Callable[[int], nn.Module]] = {"channel": nn.LayerNorm, "none": lambda channels: nn.Identity()}


Kernel = Annotated[int, Ge(1), Le(1 << 14)]
"""Steps that a layer sees, or by which it moves on."""


class CausalConvolution(nn.Conv1d):
    """`causal_convolution` as a layer with weights."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the causal convolution of steps [B, T, C]."""
        return causal_convolution(input, self.weight, cast(Tensor, self.bias), self.stride[0])


def causal_layers(widths: Sequence[int], kernels: Sequence[int], strides: Sequence[int], norm: str) -> list[nn.ModuleList]:
    """Build a causal convolution from each width to the next, and a normalisation for each.

    Args:
        widths: Channels before the first layer and after each layer.
        kernels: Steps that each layer sees.
        strides: Steps by which each layer moves on.
        norm: Name of the normalisation, one of `NORMALISATIONS`.
    """
    check_choice("normalisation", norm, NORMALISATIONS)
    layers = [CausalConvolution(*io, k, s) for io, k, s in zip(pairwise(widths), kernels, strides, strict=True)]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        # Zero, not PyTorch's uniform bias: otherwise only the bias would encode quiet recordings at the start.
        nn.init.zeros_(cast(Tensor, layer.bias))
    return [nn.ModuleList(layers), nn.ModuleList(map(NORMALISATIONS[norm], widths[1:]))]


def rectified(z_BTC: Tensor, layers: nn.ModuleList, normalisations: nn.ModuleList) -> Tensor:
    """Apply all layers, each normalised and rectified.

    Args:
        z_BTC: Input steps.
        layers: Convolutions.
        normalisations: Normalisation of each convolution.
    """
    for layer, normalise in zip(layers, normalisations, strict=True):
        # In place, because neither the convolution nor the norm needs its output again for the gradient.
        z_BTC = torch.relu_(normalise(layer(z_BTC)))
    return z_BTC


def causal_convolution(x_BTC: Tensor, weight_OCk: Tensor, bias_O: Tensor, stride: int) -> Tensor:
    """Convolve over time without seeing the future.

    The result is that of `F.conv1d` padded with k - stride zeros on the left only. Blocks of `stride` steps are laid side
    by side as channels, which costs nothing in this layout. The kernel becomes ceil(k / stride) blocks of stride 1, so the
    sums are plain matrix products. `F.conv1d` would first copy the input to [B, C, T].

    Args:
        x_BTC: Input steps.
        weight_OCk: Weights, k at least `stride`.
        bias_O: Bias.
        stride: Steps by which the kernel moves on.

    Returns:
        Output steps, [B, floor(T / stride), O].
    """
    outputs, inputs, k = weight_OCk.shape
    blocks = -(-k // stride)
    steps = x_BTC.shape[1] // stride
    plain = not torch.onnx.is_in_onnx_export()
    on_cpu = plain and x_BTC.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    if (plain and 0 < x_BTC.shape[0] * steps <= outputs) or (on_cpu and inputs * k <= outputs):
        # With few steps, as in a stream, the weight must not be copied: one step of the paper's layers takes 0.2 ms and not
        # 17. With few inputs, as in a first layer, what each step sees is quickly copied for a single product.
        x_BTCk = F.pad(x_BTC[:, : steps * stride], (0, 0, k - stride, 0)).unfold(1, k, stride)
        return F.linear(x_BTCk.flatten(2), weight_OCk.flatten(1), bias_O)
    # A kernel that is not a whole number of blocks gets zeros at its old end.
    weight = F.pad(weight_OCk, (blocks * stride - k, 0)).unflatten(2, (blocks, stride))
    if on_cpu:
        x_BTL = x_BTC[:, : steps * stride].reshape(x_BTC.shape[0], steps, stride * inputs)
        return _BlockConvolution.apply(x_BTL, weight.permute(2, 0, 3, 1).reshape(blocks, outputs, stride * inputs), bias_O)
    x = F.pad(x_BTC[:, : steps * stride], (0, 0, (blocks - 1) * stride, 0))
    x_BRL = x.reshape(x.shape[0], steps + blocks - 1, stride * inputs)
    weight_OL1k = weight.permute(0, 3, 1, 2).reshape(outputs, stride * inputs, 1, blocks)
    return F.conv2d(x_BRL.transpose(1, 2).unsqueeze(2), weight_OL1k, bias_O).squeeze(2).transpose(1, 2)


class _BlockConvolution(torch.autograd.Function):
    """x_BTL, weight_kOL, bias_O -> y_BTO, with y_t = bias + sum over j of weight_j x_{t-k+1+j}.

    Rows before the first count as zeros, but are never stored. Each window and block is one matrix product, forward and
    backward. It reads rows in place and adds to the result in place. PyTorch's float32 convolution reaches this speed only
    with AVX-512. With AVX2 its backward pass takes three times as long.
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
    """Return (steps it looks back, weight) of each block that sees any of so many steps."""
    lags = range(len(weight_kOL) - 1, -1, -1)
    return [(late, weight_OL) for late, weight_OL in zip(lags, weight_kOL, strict=True) if late < steps]
