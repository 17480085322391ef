"""Channel normalisation against its formula, its derivative, and PyTorch's own."""

import pytest
import torch
from torch import nn

from torchcpc.encoders.convolution import NORMALISATIONS


def channel_norm(dtype=torch.float64, channels=7) -> nn.Module:
    torch.manual_seed(0)
    norm = NORMALISATIONS["channel"](channels).to(dtype)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.add_(torch.randn(channels, dtype=dtype) / 3)
    return norm


def formula(x, weight, bias):
    mean = x.sum(-1, keepdim=True) / x.shape[-1]
    variance = ((x - mean) ** 2).sum(-1, keepdim=True) / x.shape[-1]
    return (x - mean) / (variance + 1e-5).sqrt() * weight + bias


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_channel_norm_is_its_formula_forward_and_backward(dtype, tolerance):
    norm = channel_norm(dtype)
    x = (3 * torch.randn(2, 11, 7, dtype=dtype) + 5).requires_grad_()
    leaves = (x, norm.weight, norm.bias)
    probe = torch.randn(2, 11, 7, dtype=dtype)
    ours, plain = norm(x), formula(x, norm.weight, norm.bias)
    torch.testing.assert_close(ours, plain, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(ours, nn.functional.layer_norm(x, (7,), norm.weight, norm.bias), rtol=tolerance, atol=tolerance)
    gradients = (torch.autograd.grad((y * probe).sum(), leaves) for y in (ours, plain))
    for got, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(got, expected, rtol=10 * tolerance, atol=10 * tolerance)


def test_channel_norm_passes_gradcheck():
    x = torch.randn(2, 3, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(channel_norm(), (x,))


def test_statistics_are_float32_under_autocast():
    """Values far from zero: a mean or a variance summed in bfloat16 would be off by whole units."""
    norm = channel_norm(torch.float32, channels=251)
    x = (torch.randn(2, 3, 251) + 40).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        rough = norm(x).float()
    exact = formula(x.double(), norm.weight.double(), norm.bias.double()).float()
    # Half a unit in the last of 8 places of the output, and as much for the rounded weight.
    torch.testing.assert_close(rough, exact, rtol=2**-7, atol=2**-7)


def test_silence_is_finite_forward_and_backward():
    norm = channel_norm(torch.float32)
    x = torch.zeros(2, 3, 7, requires_grad=True)
    norm(x).square().sum().backward()
    assert x.grad is not None and x.grad.isfinite().all()


def test_none_changes_nothing():
    x = torch.randn(2, 3, 7)
    assert torch.equal(NORMALISATIONS["none"](7)(x), x)
