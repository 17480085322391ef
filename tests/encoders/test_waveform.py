"""The paper's encoder: sizes in closed form, reach by autograd, and no leak in time or between sequences."""

import pytest
import torch
from torch import nn

from torchcpc.contexts import RecurrentContext
from torchcpc.contracts import CPCError, Window
from torchcpc.encoders import WaveformEncoder
from torchcpc.encoders.convolution import NORMALISATIONS
from torchcpc.model import CPCModel
from torchcpc.scores import Bilinear


def paper(normalisation: str) -> CPCModel:
    encoder = WaveformEncoder(normalisation=normalisation)
    return CPCModel(encoder, RecurrentContext(encoder.dim), Bilinear(256, encoder.dim))


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_paper_has_7_41_million_parameters():
    model = paper("none")
    assert parameters(model.encoder) == 512 * 10 + 512 * 512 * (8 + 4 + 4 + 4) + 5 * 512
    assert parameters(model.context) == 3 * 256 * (512 + 256) + 2 * 3 * 256
    assert parameters(model.predictor) == 12 * 512 * 256
    assert parameters(model) == 7_414_784
    assert parameters(paper("channel")) == 7_414_784 + 5 * 2 * 512
    assert len(model.predictor.weight.unique(dim=0)) == 12  # one matrix per step, none shared


def test_the_paper_makes_a_step_every_10_ms():
    encoder = WaveformEncoder()
    assert (encoder.stride, encoder.receptive_field) == (160, 465)


def small(**settings) -> WaveformEncoder:
    torch.manual_seed(1)
    return WaveformEncoder(channels=7, **settings).double()


@pytest.mark.parametrize("samples", [160, 161, 319, 320, 479, 1601, 20480])
def test_exactly_one_step_per_stride(samples):
    assert small()(torch.randn(2, samples, dtype=torch.float64)).shape == (2, samples // 160, 7)


@pytest.mark.parametrize(
    ("kernels", "strides"), [((10, 8, 4, 4, 4), (5, 4, 2, 2, 2)), ((5, 3), (3, 2)), ((2,), (2,)), ((7, 5, 3), (1, 3, 2))]
)
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_a_step_sees_its_receptive_field_and_nothing_else(kernels, strides, normalisation):
    encoder = small(kernels=kernels, strides=strides, normalisation=normalisation).train()
    steps = -(-encoder.receptive_field // encoder.stride) + 3
    x = torch.randn(3, steps * encoder.stride, dtype=torch.float64, requires_grad=True)
    z = encoder(x)
    t = steps - 2
    # Squared, so that a ReLU or a normalised sum cannot hide a dependence.
    (grad,) = torch.autograd.grad((z[1, t] * torch.randn(7, dtype=torch.float64)).square().sum(), x)
    seen = grad[1].nonzero().squeeze(1)
    newest = (t + 1) * encoder.stride - 1
    assert seen.max() == newest
    assert seen.min() == newest - encoder.receptive_field + 1
    assert grad[0].count_nonzero() == 0 and grad[2].count_nonzero() == 0


class OverTime(nn.Module):
    """A normalisation of [B, C, T] put where one of [B, T, C] is expected."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x_BTC: torch.Tensor) -> torch.Tensor:
        return self.norm(x_BTC.transpose(1, 2)).transpose(1, 2)


LEAKY = (nn.BatchNorm1d, nn.InstanceNorm1d, lambda c: nn.GroupNorm(1, c))


@pytest.mark.parametrize("leaky", [lambda c, norm=norm: OverTime(norm(c)) for norm in LEAKY])
def test_the_leak_check_catches_what_it_should(leaky, monkeypatch):
    monkeypatch.setitem(NORMALISATIONS, "leaky", leaky)
    with pytest.raises(AssertionError):
        test_a_step_sees_its_receptive_field_and_nothing_else((5, 3), (3, 2), "leaky")


def test_context_never_sees_the_future():
    torch.manual_seed(2)
    encoder = small()
    context = RecurrentContext(7, dim=5)
    x = torch.randn(2, 160 * 9, requires_grad=True)
    c, _ = context(encoder.float()(x))
    (grad,) = torch.autograd.grad(c[0, 4].square().sum(), x)
    assert grad[0, : 5 * 160].count_nonzero() > 400
    assert grad[0, 5 * 160 :].count_nonzero() == 0 and grad[1].count_nonzero() == 0


def test_padding_at_the_end_changes_nothing():
    encoder = small()
    x = torch.randn(1, 160 * 5, dtype=torch.float64)
    padded = torch.cat([x, torch.zeros(1, 731, dtype=torch.float64)], dim=1)
    assert torch.allclose(encoder(padded)[:, :5], encoder(x), atol=1e-14)


def test_quiet_recordings_are_encoded_like_loud_ones_at_the_start():
    encoder = small()
    x = torch.randn(1, 3200, dtype=torch.float64)
    assert torch.allclose(encoder(x), encoder(0.05 * x), atol=0.05)


def test_steps_tell_where_they_came_from():
    encoder = small()
    window = Window(
        torch.zeros(2, 500), torch.tensor([4, 9]), torch.tensor([1, 0]), torch.tensor([320, 0]), torch.tensor([500, 319])
    )
    steps = encoder.steps(window)
    assert steps.time.tolist() == [[2, 3, 4], [0, 1, 2]]
    assert steps.valid.tolist() == [[True, True, True], [True, False, False]]
    assert steps.source.tolist() == [[4] * 3, [9] * 3] and steps.group.tolist() == [[1] * 3, [0] * 3]


def test_the_encoder_is_the_paper_s_convolutions():
    """A second implementation: PyTorch's own convolution over [B, C, T], one layer after another."""
    encoder = small()
    x = torch.randn(2, 1601, dtype=torch.float64)
    z = x[:, None]
    for layer, norm, kernel, stride in zip(
        encoder.convolutions, encoder.normalisations, encoder.kernels, encoder.strides, strict=True
    ):
        z = nn.functional.conv1d(nn.functional.pad(z, (kernel - stride, 0)), layer.weight, layer.bias, stride=stride)
        mean, var = z.mean(1, keepdim=True), z.var(1, keepdim=True, correction=0)
        z = torch.relu((z - mean) / (var + 1e-5).sqrt() * norm.weight[:, None] + norm.bias[:, None])
    torch.testing.assert_close(encoder(x), z.transpose(1, 2), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kernels": (4, 4), "strides": (5, 4)}, "each at least as long as its stride"),
        ({"kernels": (4,), "strides": (2, 2)}, "one kernel per stride"),
        ({"channels": 0}, "channels = 0"),
        ({"normalisation": "batch"}, "'batch' is unknown. Choose one of channel, none"),
    ],
)
def test_impossible_settings(settings, message):
    with pytest.raises(CPCError, match=message):
        WaveformEncoder(**settings)


def test_input_of_another_kind():
    with pytest.raises(CPCError, match=r"\(1, 3, 160\).*\[batch, samples\]"):
        small()(torch.zeros(1, 3, 160))
