"""1,797 handwritten digits that ship with scikit-learn: real data that is at hand on every machine.

Each 8 x 8 image is read as a sequence of eight rows, top to bottom, so that the rows seen so far predict those to come.
Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from torchcpc.data.arrays import Arrays, Item


def digits(
    roots: Sequence[str | Path] = (), cache: Path | None = None, progress: Callable[[int, int], None] | None = None
) -> Arrays:
    """Sources of 8 rows x 8 grey values in [-1, 1], each image its own group; label columns `digit` and `split`.

    The first 1,437 images are for training and the last 360 for testing: the file keeps its writers in order, so those of the
    test images are largely others. The arguments are those of every reader; nothing is read from a disk.
    """
    from sklearn.datasets import load_digits

    images, target = load_digits(return_X_y=True)
    rows = (images.reshape(-1, 8, 8) / 8.0 - 1.0).astype(np.float32)
    items = [
        Item(f"digit-{i:04d}", f"digit-{i:04d}", {"digit": str(label), "split": "train" if i < 1437 else "test"})
        for i, label in enumerate(target)
    ]
    return Arrays(list(rows), items)
