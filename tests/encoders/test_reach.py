"""Stride, reach and metadata of encoders: random configurations by autograd, metadata by a slow loop."""

import random
from math import prod

import pytest
import torch

from tests.conformance.leaks import influences
from torchcpc.contracts import CPCError, Window
from torchcpc.encoders import VectorEncoder, WaveformEncoder


def configurations(count: int):
    dice = random.Random(7)
    for _ in range(count):
        strides = tuple(dice.choice((1, 2, 3, 5)) for _ in range(dice.choice((1, 2, 3))))
        yield tuple(stride + dice.choice((0, 1, 2, 4)) for stride in strides), strides


@pytest.mark.parametrize(("kernels", "strides"), list(configurations(12)))
def test_reach_is_measured_not_believed(kernels, strides):
    torch.manual_seed(1)
    encoder = WaveformEncoder(channels=3, kernels=kernels, strides=strides, normalisation="none").double()
    # Positive weights on positive input: no ReLU is at rest, so every path that exists carries a gradient.
    for parameter in encoder.parameters():
        parameter.data.abs_().add_(0.01)
    stride = prod(strides)
    assert encoder.stride == stride
    step = encoder.receptive_field // stride + 2
    x = 1 + torch.rand(2, (step + 2) * stride, dtype=torch.float64)
    seen = [set(influences(encoder, x, 1, t)[1].nonzero().flatten().tolist()) for t in range(step + 1)]
    newest = (step + 1) * stride - 1
    assert seen[step] == set(range(newest - encoder.receptive_field + 1, newest + 1))
    apart = next(k for k in range(1, step + 1) if not seen[step] & seen[step - k])
    assert -(-encoder.receptive_field // encoder.stride) == apart


@pytest.mark.parametrize(("kernels", "strides"), list(configurations(5)))
def test_the_number_of_steps_is_exact_for_every_length(kernels, strides):
    encoder = WaveformEncoder(channels=3, kernels=kernels, strides=strides)
    for samples in range(encoder.stride, 4 * encoder.stride + 2):
        assert encoder(torch.zeros(1, samples)).shape[1] == samples // encoder.stride


def test_the_paper_s_step_sees_465_samples_and_the_third_next_sees_none_of_them():
    torch.manual_seed(1)
    encoder = WaveformEncoder(channels=31)
    x = torch.randn(1, 9 * 160)
    seen = [influences(encoder, x, 0, t)[0] for t in range(9)]
    assert [int(s.sum()) for s in seen[3:]] == [465] * 6
    assert (seen[4] & seen[6]).any() and not (seen[4] & seen[7]).any()


def test_steps_are_a_slow_loop_over_samples():
    encoder = WaveformEncoder(channels=3, kernels=(5, 3), strides=(3, 2))
    source, group, start, length = [7, 3, 7], [1, 0, 1], [12, 0, 600], [41, 36, 5]
    window = Window(torch.zeros(3, 41), *(torch.tensor(column) for column in (source, group, start, length)))
    steps = encoder.steps(window)
    for b in range(3):
        for t in range(41 // 6):
            last = (t + 1) * 6 - 1  # the newest raw position of this step, within the window
            assert steps.valid[b, t] == (last < length[b])
            assert steps.time[b, t] == (start[b] + last) // 6
            assert (steps.source[b, t], steps.group[b, t], steps.segment[b, t]) == (source[b], group[b], 0)
    assert steps.flat().time.tolist() == steps.time.flatten().tolist()
    assert steps.take(torch.tensor([[8, 2]])).time.tolist() == [[steps.time[1, 2].item(), steps.time[0, 2].item()]]


def test_bfloat16_is_close_to_float32():
    torch.manual_seed(1)
    encoder, x = WaveformEncoder(channels=61), torch.randn(3, 1600)
    exact = encoder(x)
    with torch.autocast("cpu", torch.bfloat16):
        rough = encoder(x).float()
    assert (rough - exact).norm() < 0.02 * exact.norm()


def test_convolutions_start_at_unit_scale_without_bias():
    torch.manual_seed(1)
    encoder = WaveformEncoder(channels=257)
    for width, layer in zip((1, 257, 257, 257, 257), encoder.convolutions, strict=True):
        variance = layer.weight.square().mean().item() * width * layer.kernel_size[0]
        assert variance == pytest.approx(2, rel=0.15)
        assert not layer.bias.any()


def test_vectors_are_the_same_network_on_every_row():
    torch.manual_seed(1)
    encoder = VectorEncoder(features=3, dim=7, hidden=11)
    x = torch.randn(2, 13, 3)
    first, second = encoder.layers[0], encoder.layers[2]
    for b in range(2):
        for s in range(13):
            hidden = (first.weight @ x[b, s] + first.bias).clamp(min=0)
            torch.testing.assert_close(encoder(x)[b, s], second.weight @ hidden + second.bias)
    assert sum(p.numel() for p in encoder.parameters()) == (3 + 1) * 11 + (11 + 1) * 7
    assert (encoder.stride, encoder.receptive_field) == (1, 1)


def test_what_vectors_refuse():
    with pytest.raises(CPCError, match="features = 0: a row has at least one value"):
        VectorEncoder(features=0)
    encoder = VectorEncoder(features=3)
    for wrong in ((2, 3), (2, 13, 5)):
        with pytest.raises(CPCError, match=r"expected \[batch, rows, 3\]"):
            encoder(torch.zeros(wrong))


def test_a_waveform_shorter_than_one_step_is_refused():
    with pytest.raises(CPCError, match=r"\(2, 159\).*at least 160 samples"):
        WaveformEncoder(channels=3)(torch.zeros(2, 159))


def test_an_encoder_without_layers_is_refused():
    """Otherwise its output is one channel wide while it claims `channels`."""
    with pytest.raises(CPCError, match="at least one"):
        WaveformEncoder(channels=7, kernels=(), strides=())
