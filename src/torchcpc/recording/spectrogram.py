"""The spectrogram of a recording, small enough for a page."""

import numpy as np

from torchcpc.recording.result import Spectrogram

WINDOW_S, STEP_S = 0.025, 0.010
FLOOR_DB = 70.0
MOST_COLUMNS, MOST_ROWS = 16_000, 128
_EMPHASIS = 0.97
# This many frames are transformed at once, which bounds memory.
_FRAMES = 2048


def spectrogram(sample_S: np.ndarray, rate: float) -> Spectrogram:
    """Compute levels in dB from Hann windows of 25 ms, every 10 ms or at larger steps in a long recording.

    High frequencies are raised by 6 dB per octave. That is usual for speech, whose levels fall with frequency.

    Args:
        sample_S: The samples, [S].
        rate: Samples per second.
    """
    window = max(8, round(WINDOW_S * rate))
    step = max(1, round(STEP_S * rate), -(-len(sample_S) // MOST_COLUMNS))
    columns = max(1, 1 + (len(sample_S) - window) // step)
    size = 1 << (window - 1).bit_length()
    hann = np.hanning(window)
    group = -(-(size // 2 + 1) // MOST_ROWS)
    sample_S = np.append(sample_S[:1], sample_S[1:] - _EMPHASIS * sample_S[:-1])
    padded_S = np.pad(sample_S, (0, max(0, window - len(sample_S))))
    level_TF = np.zeros((columns, -(-(size // 2 + 1) // group)), np.float32)
    for begin in range(0, columns, _FRAMES):
        count = min(_FRAMES, columns - begin)
        own_S = padded_S[begin * step : begin * step + (count - 1) * step + window]
        frame_TW = np.lib.stride_tricks.sliding_window_view(own_S, window)[::step]
        power_TF = np.square(np.abs(np.fft.rfft(frame_TW * hann, size)))
        # The loudest of neighbouring frequencies is kept, so that a pure tone stays visible.
        level_TF[begin : begin + count] = np.maximum.reduceat(power_TF, np.arange(0, power_TF.shape[1], group), axis=1)
    decibel_FT = 10 * np.log10(np.maximum(level_TF.T, 1e-20))
    top = float(np.quantile(decibel_FT, 0.9995))
    scaled_FT = np.clip((decibel_FT - (top - FLOOR_DB)) / FLOOR_DB, 0, 1)
    return Spectrogram((255 * scaled_FT).astype(np.uint8), level_TF.shape[1] * group * rate / size, FLOOR_DB, step / rate)
