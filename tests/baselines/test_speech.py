import numpy as np
import pytest
from scipy.fft import dct

from torchcpc.baselines.features import shared
from torchcpc.baselines.speech import HANDMADE, cepstra, deltas, log_mel, mean_normalised, mfcc, stacked
from torchcpc.contracts import CPCError
from torchcpc.domains import DOMAINS

MEL = 1127.0


def slow_log_mel(x, bins):
    """Log-mel power from the formulas: 25 ms Povey window centred on each 10 ms, 512-point power spectrum, triangles in mel."""
    mirrored = np.concatenate([x[::-1], x, x[::-1]]) * 32768.0
    edges = np.linspace(MEL * np.log1p(20 / 700), MEL * np.log1p(8000 / 700), bins + 2)
    bank = np.zeros((bins, 256))
    for b in range(bins):
        low, centre, high = edges[b : b + 3]
        for i in range(256):
            mel = MEL * np.log1p(i * 16000 / 512 / 700)
            bank[b, i] = max(0.0, min((mel - low) / (centre - low), (high - mel) / (high - centre)))
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)) ** 0.85
    rows = []
    for t in range(len(x) // 160):
        start = len(x) + t * 160 + 80 - 200
        frame = mirrored[start : start + 400]
        frame = frame - frame.mean()
        frame = frame - 0.97 * np.concatenate([frame[:1], frame[:-1]])
        power = np.abs(np.fft.rfft(frame * window, 512)[:256]) ** 2
        rows.append(np.log(bank @ power))
    return np.array(rows)


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).normal(0, 0.1, size=4001).astype(np.float32)


def test_log_mel_is_the_formula(noise):
    np.testing.assert_allclose(log_mel(noise, bins=23), slow_log_mel(noise, 23), atol=2e-3)


def test_cepstra_are_the_liftered_cosine_transform_of_log_mel(noise):
    lifter = 1 + 11 * np.sin(np.pi * np.arange(13) / 22)
    witness = dct(slow_log_mel(noise, 23), type=2, norm="ortho", axis=1)[:, :13] * lifter
    np.testing.assert_allclose(cepstra(noise), witness, atol=2e-2)


def test_a_pure_tone_is_loudest_in_its_band_and_a_tenfold_amplitude_adds_log_100():
    t = np.arange(16000) / 16000
    tone = np.sin(2 * np.pi * 1000 * t).astype(np.float32)
    centres = 700 * np.expm1(np.linspace(MEL * np.log1p(20 / 700), MEL * np.log1p(8000 / 700), 42)[1:-1] / MEL)
    loud, soft = log_mel(tone)[5:-5], log_mel(0.1 * tone)[5:-5]
    assert set(loud.argmax(axis=1)) == {np.abs(centres - 1000).argmin()}
    np.testing.assert_allclose((loud - soft)[:, loud[0].argmax()], np.log(100), atol=1e-3)


@pytest.mark.parametrize("samples", [0, 159, 160, 239, 240, 319, 400, 4079, 4080, 4081])
@pytest.mark.parametrize("name", HANDMADE)
def test_there_is_a_row_for_every_whole_160_samples(name, samples):
    rows = HANDMADE[name](np.random.default_rng(1).normal(size=samples).astype(np.float32), 160)
    assert rows.shape[0] == samples // 160
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()


def test_a_click_is_heard_around_its_own_frame():
    x = np.zeros(16000, np.float32)
    x[37 * 160 + 80] = 0.5  # the middle of frame 37
    energy = log_mel(x).mean(axis=1)
    assert energy.argmax() == 37
    assert energy[36] == pytest.approx(energy[38], abs=0.05)


def test_features_are_a_function_of_the_samples_and_the_whole_recording_stays_finite_in_silence():
    x = np.random.default_rng(2).normal(0, 0.01, size=3200).astype(np.float32)
    for name, features in HANDMADE.items():
        np.testing.assert_array_equal(features(x, 160), features(x, 160), err_msg=name)
        assert np.isfinite(features(np.zeros(1601, np.float32), 160)).all()


def test_quiet_speech_is_above_the_floor():
    quiet = np.random.default_rng(3).normal(0, 1e-3, size=1600).astype(np.float32)  # -60 dB
    np.testing.assert_allclose(log_mel(quiet) - log_mel(10 * quiet), -np.log(100), atol=1e-2)


def test_deltas_are_least_squares_slopes():
    x = np.random.default_rng(4).normal(size=(11, 3))
    padded = np.concatenate([x[:1], x[:1], x, x[-1:], x[-1:]])
    slow = np.array([[np.polyfit(np.arange(-2, 3), padded[t : t + 5, d], 1)[0] for d in range(3)] for t in range(11)])
    np.testing.assert_allclose(deltas(x), slow, atol=1e-12)


def test_mfcc_holds_coefficients_slopes_and_their_slopes(noise):
    out = mfcc(noise)
    np.testing.assert_array_equal(out[:, :13], cepstra(noise))
    np.testing.assert_allclose(out[:, 26:], deltas(deltas(out[:, :13])), atol=1e-4)
    assert out.shape == (25, 39)


def test_stacks_are_centred_and_mean_normalisation_forgets_the_gain(noise):
    x = np.arange(10.0).reshape(5, 2)
    np.testing.assert_array_equal(stacked(x, frames=3)[2], [2, 3, 4, 5, 6, 7])
    np.testing.assert_array_equal(stacked(x, frames=5)[0], [0, 1, 0, 1, 0, 1, 2, 3, 4, 5])
    np.testing.assert_allclose(mean_normalised(log_mel(noise)), mean_normalised(log_mel(0.3 * noise)), atol=1e-3)
    with pytest.raises(CPCError, match=r"frames = 4: .* odd number of frames; use 3 or 5"):
        stacked(x, frames=4)


def test_faulty_samples_are_named():
    with pytest.raises(CPCError, match=r"shape \(2, 400\): .* one channel"):
        log_mel(np.zeros((2, 400), np.float32))
    with pytest.raises(CPCError, match="1 samples are not finite"):
        mfcc(np.array([0.0] * 399 + [np.nan], np.float32))


def test_what_kinds_share_is_computed_once_a_clip_and_never_for_another():
    counted = []

    def total(x_S):
        counted.append(len(x_S))
        return x_S.sum(keepdims=True)

    asked, one, other = shared(total), np.full(3, 2.0), np.full(3, 5.0)
    assert [asked(x_S).item() for x_S in (one, one, other, one)] == [6, 6, 15, 6] and len(counted) == 3


def test_names_hold_no_commas_and_so_a_list_of_them_can_be_read():
    """Every domain's."""
    names = [name for domain in DOMAINS.values() for name in domain.handmade]
    assert len(names) > 9 and not [name for name in names if "," in name]
