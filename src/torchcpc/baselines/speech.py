"""Handmade features of speech on the same 10 ms frames as the waveform encoder.

Every function takes a recording of S samples at 16 kHz, as floats in [-1, 1]. It returns floor(S / 160) rows. Row t
is the 25 ms frame that is centred on samples [t * 160, (t + 1) * 160). Beyond both ends, the recording is mirrored.

So row t and step t of the encoder describe the same 10 ms. One set of frame labels serves both.
"""

from collections.abc import Callable, Sequence
from typing import cast

import kaldi_native_fbank
import numpy as np

from torchcpc.baselines.features import Features, shared
from torchcpc.contracts import CPCError

RATE_HZ = 16000
HOP_SAMPLES = 160
# Kaldi's constants are written for 16-bit integers. In [-1, 1], its log floor of 1.2e-7 would cut off everything below about -40 dB.
# In the integer range, the floor stays far below the quantisation noise.
INT16_RANGE = 32768.0


def log_mel(x_S: np.ndarray, *, bins: int = 40) -> np.ndarray:
    """Return log powers in triangular mel bands from 20 Hz to 8 kHz.

    Args:
        x_S: The samples, [S].
        bins: The number of bands.

    Returns:
        Natural logarithms on the scale of 16-bit integers, [S // 160, bins] float32.
    """
    options = kaldi_native_fbank.FbankOptions()
    options.mel_opts.num_bins = bins
    return _compute(kaldi_native_fbank.OnlineFbank, options, x_S, bins)


def cepstra(x_S: np.ndarray, *, coefficients: int = 13) -> np.ndarray:
    """Return the first mel-frequency cepstral coefficients of 23 mel bands, liftered by 22.

    Args:
        x_S: The samples, [S].
        coefficients: How many coefficients are kept.

    Returns:
        The coefficients, [S // 160, coefficients] float32.
    """
    options = kaldi_native_fbank.MfccOptions()
    options.num_ceps = coefficients
    return _compute(kaldi_native_fbank.OnlineMfcc, options, x_S, coefficients)


def mfcc(x_S: np.ndarray) -> np.ndarray:
    """Return 13 cepstral coefficients with their first and second time derivatives: [S // 160, 39] float32."""
    c_TD = cepstra(x_S)
    slope_TD = deltas(c_TD)
    return np.concatenate([c_TD, slope_TD, deltas(slope_TD)], axis=1)


def deltas(x_TD: np.ndarray, *, reach: int = 2) -> np.ndarray:
    """Return the least-squares slope of each column over neighbouring frames.

    The first and the last frame are repeated beyond the ends.

    Args:
        x_TD: The frames, [T, D].
        reach: The slope of frame t uses the frames t - reach to t + reach.

    Returns:
        The slopes, [T, D].
    """
    offsets = range(-reach, reach + 1)
    weight = 1.0 / sum(n * n for n in offsets)
    return sum((n * weight * _shifted(x_TD, n) for n in offsets if n), start=np.zeros_like(x_TD))


def mean_normalised(x_TD: np.ndarray) -> np.ndarray:
    """Subtract the mean over time, which removes the microphone and most of the speaker: [T, D]."""
    return x_TD - x_TD.mean(axis=0, keepdims=True) if len(x_TD) else x_TD


def stacked(x_TD: np.ndarray, *, frames: int) -> np.ndarray:
    """Concatenate each frame with its neighbours.

    A context vector c_t has seen the past, so a single frame would be a weak baseline. Half of these neighbours lie
    in the future, which c_t never sees. So the comparison favours the handmade features.

    Args:
        x_TD: The frames, [T, D]. The first and the last one are repeated beyond the ends.
        frames: The frames in a window, an odd number. The window is centred.

    Returns:
        The windows, [T, frames * D].

    Raises:
        CPCError: If `frames` is even or below 1.
    """
    if frames < 1 or frames % 2 == 0:
        raise CPCError(f"frames = {frames}: a centre takes an odd number of frames; use {max(frames - 1, 1)} or {frames + 1}.")
    reach = frames // 2
    return np.concatenate([_shifted(x_TD, n) for n in range(-reach, reach + 1)], axis=1)


_mfcc, _log_mel = shared(mfcc), shared(log_mel)
# Each function maps the samples of a clip to features of its frames. The encoder's stride is not used.
HANDMADE: dict[str, Features] = {
    "MFCC": lambda x_S, stride: _mfcc(x_S),
    "MFCC mean-normalised": lambda x_S, stride: mean_normalised(_mfcc(x_S)),
    "MFCC mean-normalised 11 frames": lambda x_S, stride: stacked(mean_normalised(_mfcc(x_S)), frames=11),
    "log-mel": lambda x_S, stride: _log_mel(x_S),
    "log-mel mean-normalised": lambda x_S, stride: mean_normalised(_log_mel(x_S)),
    "log-mel mean-normalised 5 frames": lambda x_S, stride: stacked(mean_normalised(_log_mel(x_S)), frames=5),
    "log-mel mean-normalised 11 frames": lambda x_S, stride: stacked(mean_normalised(_log_mel(x_S)), frames=11),
}


def _compute(
    make: Callable[..., kaldi_native_fbank.OnlineFbank | kaldi_native_fbank.OnlineMfcc],
    options: kaldi_native_fbank.FbankOptions | kaldi_native_fbank.MfccOptions,
    x_S: np.ndarray,
    dim: int,
) -> np.ndarray:
    """Return features from `make(options)` on the encoder's frames."""
    if x_S.ndim != 1:
        raise CPCError(f"samples of shape {x_S.shape}: handmade features take one channel, [S]; average or choose one first.")
    if not np.isfinite(x_S).all():
        raise CPCError(f"{np.count_nonzero(~np.isfinite(x_S))} samples are not finite: read the file again or leave it out.")
    options.use_energy = False
    options.frame_opts.samp_freq = RATE_HZ
    options.frame_opts.frame_length_ms = 25.0
    options.frame_opts.frame_shift_ms = 10.0
    options.frame_opts.snip_edges = False  # centres frame t on (t + 1/2) * shift and mirrors the ends
    options.frame_opts.dither = 0.0  # dither is random noise, and features must be reproducible
    frames = len(x_S) // HOP_SAMPLES
    if frames == 0:
        return np.zeros((0, dim), np.float32)
    extractor = make(options)
    # The stub only accepts lists, but an array works too and is faster.
    extractor.accept_waveform(RATE_HZ, cast(Sequence[float], (x_S * INT16_RANGE).astype(np.float32)))
    extractor.input_finished()
    # Kaldi rounds the number of frames. The encoder makes a step only of 160 whole samples.
    return np.stack([extractor.get_frame(t) for t in range(frames)]).astype(np.float32)


def _shifted(x_TD: np.ndarray, n: int) -> np.ndarray:
    """Return x at t + n, with the first and last frame repeated beyond the ends."""
    return x_TD[np.clip(np.arange(len(x_TD)) + n, 0, max(len(x_TD) - 1, 0))]
