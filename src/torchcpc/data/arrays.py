"""Sources in memory: arrays with a row for each raw position, and the digits of scikit-learn."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from torchcpc.contracts import CPCError, Item, Progress, silent
from torchcpc.data.sources import SourceList

__all__ = ["ArrayItem", "Arrays", "Item", "digits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayItem(Item):
    """A source with its rows.

    Attributes:
        values: The rows, [S, features].
    """

    values: np.ndarray = field(compare=False, repr=False)


class Arrays(SourceList[ArrayItem]):
    """Sources that are arrays in memory.

    Implements `contracts.Sources`.

    Args:
        arrays: Rows of each source, [S, features].
        items: One item for each array.
    """

    def __init__(self, arrays: Sequence[np.ndarray], items: Sequence[Item]) -> None:
        if len(arrays) != len(items):
            raise CPCError(f"{len(arrays)} arrays and {len(items)} items: give one item per array.")
        for array, item in zip(arrays, items, strict=True):
            if array.ndim != 2 or not np.isfinite(array).all():
                raise CPCError(f"{item.key}: an array of shape {array.shape}; expected finite numbers [rows, features].")
        held = [
            ArrayItem(i.key, i.group, i.labels, i.path, i.seconds, i.part_of, i.begin_s, i.root, values=array)
            for i, array in zip(items, arrays, strict=True)
        ]
        super().__init__(held)

    def length(self, index: int) -> int:
        """Return the rows of source `index`."""
        return len(self.items[index].values)

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Return rows start .. start+count of source `index` as float32 [count, features]."""
        return self.items[index].values[start : start + count].astype(np.float32)


def digits(roots: Sequence[str | Path] = (), cache: Path | None = None, progress: Progress = silent) -> Arrays:
    """Return handwritten digits as sources of 8 rows x 8 grey values in [-1, 1].

    Each image is a group by itself, with labels `digit` and `split`. An image is a sequence of rows, so that the rows seen
    so far predict the next ones. The 1,797 digits come with scikit-learn (E. Alpaydin, C. Kaynak, Optical Recognition of
    Handwritten Digits, UCI Machine Learning Repository, 1998). The first 1,437 images are for training, the last 360 for
    testing. The file is ordered by writers, so most writers of test images have no training image.

    Args:
        roots: Not used.
        cache: Not used.
        progress: Not used.
    """
    from sklearn.datasets import load_digits

    images, target = load_digits(return_X_y=True)
    rows = (images.reshape(-1, 8, 8) / 8.0 - 1.0).astype(np.float32)
    items = [
        Item(f"digit-{i:04d}", f"digit-{i:04d}", {"digit": str(label), "split": "train" if i < 1437 else "test"})
        for i, label in enumerate(target)
    ]
    return Arrays(list(rows), items)
