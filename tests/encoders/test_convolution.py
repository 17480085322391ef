"""The causal convolution, in all of its forms, against PyTorch's own."""

import pytest
import torch
from torch.nn import functional as F

from torchcpc.encoders.convolution import causal_convolution


@pytest.mark.parametrize(("kernel", "stride"), [(7, 3), (4, 2), (3, 3), (5, 1)])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 29])
@pytest.mark.parametrize("outputs", [7, 41])
def test_few_steps_few_inputs_and_many_are_conv1d_with_zeros_on_the_left(kernel, stride, steps, outputs):
    """Two sequences: up to three steps go without laying out the weight into seven outputs, from four on with it; into 41 outputs
    the five inputs are always few."""
    generator = torch.Generator().manual_seed(3)
    x, weight, bias = (
        torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in ((2, steps * stride + stride - 1, 5), (outputs, 5, kernel), (outputs,))
    )
    inputs = (x, weight, bias)
    found = causal_convolution(*inputs, stride)
    padded = F.pad(x[:, : steps * stride].transpose(1, 2), (kernel - stride, 0))
    wanted = F.conv1d(padded, weight, bias, stride=stride).transpose(1, 2)
    torch.testing.assert_close(found, wanted)
    pull = torch.randn(wanted.shape, generator=generator, dtype=torch.float64)
    for mine, theirs in zip(torch.autograd.grad(found, inputs, pull), torch.autograd.grad(wanted, inputs, pull), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_under_autocast_it_is_the_library_s_convolution():
    generator = torch.Generator().manual_seed(3)
    x, weight, bias = (torch.randn(shape, generator=generator) for shape in ((2, 87, 5), (7, 5, 7), (7,)))
    with torch.autocast("cpu", torch.bfloat16):
        rough = causal_convolution(x, weight, bias, 3)
    assert rough.dtype == torch.bfloat16
    torch.testing.assert_close(rough.float(), causal_convolution(x, weight, bias, 3), rtol=0.02, atol=0.1)
