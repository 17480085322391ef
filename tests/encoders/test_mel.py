import numpy as np
import pytest
import torch

from torchcpc.contracts import CPCError, Layout
from torchcpc.encoders.mel import CENTRE, FLOOR, SPREAD, MelEncoder
from torchcpc.model import CPCModel


def tone(hz: float, *, seconds: float = 0.5, rate: int = 16_000) -> torch.Tensor:
    return (0.1 * torch.sin(2 * np.pi * hz * torch.arange(int(seconds * rate)) / rate)).unsqueeze(0)


def test_log_mel_is_that_of_numpy():
    encoder = MelEncoder(bands=11, window=37, stride=13, low=100, high=7000, channels=3).eval()
    x_S = np.random.default_rng(0).normal(size=13 * 17 + 5)
    found_TM = encoder.log_mel(torch.from_numpy(x_S)[None].float())[0]
    padded, size = np.concatenate([np.zeros(37 - 13), x_S]), 64
    mel = lambda hz: 2595 * np.log10(1 + hz / 700)  # noqa: E731
    edges = np.linspace(mel(100), mel(7000), 13)
    hz = np.arange(size // 2 + 1) * 16_000 / size
    filters = np.array([np.interp(mel(hz), edges[m : m + 3], [0, 1, 0]) for m in range(11)])
    for t in (0, 1, 7, 16):
        power = np.abs(np.fft.rfft(padded[t * 13 : t * 13 + 37] * np.hamming(37), size)) ** 2
        expected = (np.log(filters @ power + FLOOR) - CENTRE) / SPREAD
        np.testing.assert_allclose(found_TM[t], expected, atol=2e-4)
    assert found_TM.shape == (17, 11)


def test_a_stretched_axis_hears_a_tone_where_another_tone_is():
    """Filters at frequencies stretched by 1.25 must answer 800 Hz as the plain ones answer 1,000 Hz."""
    encoder = MelEncoder()
    power = lambda hz: (tone(hz)[0, -400:] @ encoder.fourier_SF).unflatten(0, (2, -1)).square().sum(dim=0)  # noqa: E731
    stretched_M = power(800) @ encoder.filters(torch.tensor([1.25]))[0]
    assert (
        int(stretched_M.argmax())
        == int((power(1000) @ encoder.filters()).argmax())
        != int((power(800) @ encoder.filters()).argmax())
    )


def test_gain_adds_a_constant_and_narrow_lines_lose_their_upper_bands():
    torch.manual_seed(0)
    noise = torch.randn(53, 4000)
    plain = MelEncoder().eval().log_mel(noise)
    louder = MelEncoder(gain=0.5).train().log_mel(noise) - plain
    spread_B = louder.std(dim=(1, 2))
    assert float(spread_B.max()) < 1e-3  # the same for every frame and band of a sequence
    assert 0.2 < float(louder.mean(dim=(1, 2)).abs().max()) * SPREAD / 2 < 0.5001
    narrow_BTM = MelEncoder(narrow=0.5).train().log_mel(noise)
    silent_B = (narrow_BTM[:, :, -1] < (np.log(FLOOR) - CENTRE) / SPREAD + 1e-3).all(dim=1)
    assert 0.3 < float(silent_B.float().mean()) < 0.7
    assert torch.allclose(narrow_BTM[:, :, :20], plain[:, :, :20], atol=1e-5)  # below a quarter of the rate nothing is cut


def test_variation_is_for_training_alone_and_targets_hear_another_voice():
    torch.manual_seed(0)
    noise = torch.randn(5, 1600)
    encoder = MelEncoder(channels=7, warp=0.2, two_voices=True)

    class Same(torch.nn.Module):
        dim = 7

        def forward(self, z, state=None):
            return z, state

    model = CPCModel(encoder, Same(), torch.nn.Identity())
    z, c, _ = model.train()(noise)
    assert not torch.allclose(z, c)
    z, c, _ = model.eval()(noise)
    assert torch.equal(z, c) and torch.equal(z, encoder(noise))
    encoder.layout = Layout()
    z, c, _ = model.train()(noise)
    assert torch.equal(z, c)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kernels": ()}, "kernels"),
        ({"window": 100}, "window = 100"),
        ({"high": 9000.0}, "high = 9000.0"),
        ({"warp": 1.0}, "warp = 1.0"),
        ({"normalisation": "batch"}, "normalisation = 'batch'"),
    ],
)
def test_faults_are_named(settings, message):
    with pytest.raises(CPCError, match=message):
        MelEncoder(**settings)


def test_input_of_another_shape_is_refused():
    with pytest.raises(CPCError, match="expected"):
        MelEncoder()(torch.zeros(3, 5, 7))
