"""The leak check must be able to fail: planted leaks are found, each by its name."""

import pytest
import torch
from torch import nn

from tests.conformance.leaks import leaks
from torchcpc.encoders import WaveformEncoder


class OverTime(nn.Module):
    """A normalisation of [B, C, T] put where one of [B, T, C] is expected."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x_BTC: torch.Tensor) -> torch.Tensor:
        return self.norm(x_BTC.transpose(1, 2)).transpose(1, 2)


def encoder_with(norm) -> WaveformEncoder:
    torch.manual_seed(0)
    encoder = WaveformEncoder(channels=7, kernels=(5, 3), strides=(3, 2))
    encoder.normalisations = nn.ModuleList(OverTime(norm(7)) if norm else module for module in encoder.normalisations)
    return encoder.train()


@pytest.mark.parametrize(
    ("norm", "found"),
    [
        (None, set()),
        (nn.BatchNorm1d, {"future", "batch"}),
        (nn.InstanceNorm1d, {"future"}),
        (lambda channels: nn.GroupNorm(1, channels), {"future"}),
    ],
)
def test_normalisations_that_leak_are_caught_in_training_mode(norm, found):
    assert leaks(encoder_with(norm), torch.randn(3, 6 * 11), stride=6) == found


def test_padding_on_the_right_is_caught():
    convolution = nn.Conv1d(1, 7, 3, padding=1)
    assert leaks(lambda x: convolution(x[:, None]).transpose(1, 2), torch.randn(2, 11)) == {"future"}


def test_a_bidirectional_context_is_caught():
    gru = nn.GRU(5, 7, batch_first=True, bidirectional=True)
    assert leaks(lambda z: gru(z)[0], torch.randn(3, 11, 5)) == {"future"}


def test_sequences_mistaken_for_time_are_caught():
    gru = nn.GRU(5, 7, batch_first=False)
    assert leaks(lambda z: gru(z)[0], torch.randn(3, 11, 5)) == {"batch"}
