"""The pixels themselves, made few: what a learned representation of pictures has to beat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F


def small_pixels(x_SWc: np.ndarray, *, side: int = 16) -> np.ndarray:
    """[S, W, colours] -> [1, side * side * colours]: means over a grid of side x side areas, row by row."""
    x_1cSW = torch.from_numpy(np.ascontiguousarray(x_SWc)).permute(2, 0, 1).unsqueeze(0)
    return F.adaptive_avg_pool2d(x_1cSW, side).permute(0, 2, 3, 1).reshape(1, -1).numpy()


# (rows of a picture, the encoder's stride) -> features of the picture.
PIXELS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {"pixels 16x16": lambda x_SWc, stride: small_pixels(x_SWc)}
