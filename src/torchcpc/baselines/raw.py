"""Raw values as features: the baseline for representations of sensor series and pictures."""

import numpy as np
import torch
from torch.nn import functional as F

from torchcpc.baselines.features import Features


def raw_window(x_SF: np.ndarray, stride: int, *, steps: int, mean_of: int = 1) -> np.ndarray:
    """Return the raw rows of the last steps as features of each step.

    The window reaches as far back as a causal context of `steps` steps. Before the start, the first row is repeated.
    A missing value becomes the mean of its channel over the recording, because a linear model cannot handle NaN.

    Args:
        x_SF: The rows of a recording, [S, F].
        stride: The rows of one step.
        steps: The steps that a window covers.
        mean_of: How many rows are averaged into one. It must divide steps * stride.

    Returns:
        The features, [S // stride, steps * stride / mean_of * F].
    """
    T, rows = len(x_SF) // stride, steps * stride
    seen = np.isfinite(x_SF)
    mean_F = np.where(seen, x_SF, 0).sum(axis=0, dtype=np.float64) / np.maximum(seen.sum(axis=0), 1)
    filled = np.where(seen, x_SF, mean_F).astype(x_SF.dtype)
    padded = np.concatenate([np.repeat(filled[:1], rows - stride, axis=0), filled[: T * stride]])
    if not T:
        return np.zeros((0, rows // mean_of * x_SF.shape[1]), x_SF.dtype)
    windows_TFr = np.lib.stride_tricks.sliding_window_view(padded, rows, axis=0)[::stride]
    return windows_TFr.reshape(T, x_SF.shape[1], rows // mean_of, mean_of).mean(axis=3).reshape(T, -1)


def small_pixels(x_SWc: np.ndarray, *, side: int = 16) -> np.ndarray:
    """Return a picture at low resolution as one row of features.

    Args:
        x_SWc: The picture, [S, W, colours].
        side: The picture is averaged over a grid of side x side cells.

    Returns:
        The means of the cells row by row, [1, side * side * colours].
    """
    x_1cSW = torch.from_numpy(np.ascontiguousarray(x_SWc)).permute(2, 0, 1).unsqueeze(0)
    return F.adaptive_avg_pool2d(x_1cSW, side).permute(0, 2, 3, 1).reshape(1, -1).numpy()


# Each function maps the rows of a clip and the encoder's stride to features of its steps.
RAW_WINDOWS: dict[str, Features] = {
    "raw 1 step": lambda x_SF, stride: raw_window(x_SF, stride, steps=1),
    "raw 8 steps": lambda x_SF, stride: raw_window(x_SF, stride, steps=8),
    "raw 32 steps averaged by 4": lambda x_SF, stride: raw_window(x_SF, stride, steps=32, mean_of=4),
}
# These are for short sources without established features, such as a handwritten digit or a simulated sequence.
RAW_ROWS: dict[str, Features] = {
    "raw rows": lambda x_SF, stride: x_SF,
    "pixels": lambda x_SF, stride: x_SF.reshape(1, -1),
}
PIXELS: dict[str, Features] = {"pixels 16x16": lambda x_SWc, stride: small_pixels(x_SWc)}
