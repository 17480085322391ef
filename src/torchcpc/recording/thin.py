"""Curves with fewer points that look the same. Each block of points keeps its lowest and its highest."""

import numpy as np

from torchcpc.recording.result import Trace


def trace(name: str, x_P: np.ndarray, y_P: np.ndarray, most: int) -> Trace:
    """Return a curve of at most `most` points.

    Each block of neighbours keeps its two extremes, in order and at their own x. So no peak is lost. A block without
    any known value stays a gap.

    Args:
        name: The name of the curve.
        x_P: The x of its points, [P].
        y_P: Its values, [P].
        most: The largest number of points.
    """
    size = -(-len(x_P) // max(1, most // 2)) if len(x_P) > most else 1
    if size < 2:
        return Trace(name, x_P, y_P)
    blocks = -(-len(x_P) // size)
    padded_BN = np.pad(y_P.astype(np.float64), (0, blocks * size - len(y_P)), constant_values=np.nan).reshape(blocks, size)
    known_BN = np.isfinite(padded_BN)
    low_B, high_B = (np.where(known_BN, sign * padded_BN, np.inf).argmin(axis=1) for sign in (1, -1))
    place_P = (np.sort(np.stack([low_B, high_B]), axis=0) + np.arange(blocks) * size).T.ravel()
    place_P = np.minimum(place_P, len(x_P) - 1)
    return Trace(name, x_P[place_P], y_P[place_P], size / 2)
