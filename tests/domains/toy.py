"""A whole domain in one file: a reader, an encoder and a record (and toy.toml, its recipe)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from torchcpc.contracts import Item, Layout, Progress, Steps, Window
from torchcpc.data.arrays import Arrays
from torchcpc.domains import Domain
from torchcpc.encoders.strided import strided_steps


def read_walks(roots: Sequence[str | Path], cache: Path | None, progress: Progress, *, scale_by: float = 1.0) -> Arrays:
    """The .npy files of all folders, each a source; the folder of a file is its label."""
    paths = sorted(path for root in roots for path in Path(root).rglob("*.npy"))
    items = [Item(path.stem, path.stem, {"turn": path.parent.name}) for path in paths]
    return Arrays([np.load(path).astype(np.float32) / scale_by for path in paths], items)


class WalkEncoder(nn.Module):
    """A step is a row."""

    takes_missing = False

    def __init__(self, *, dim: int = 4) -> None:
        super().__init__()
        self.dim, self.stride, self.receptive_field, self.row_shape, self.layout = dim, 1, 1, (2,), Layout()
        self.linear = nn.Linear(2, dim)

    def forward(self, x_BS2: Tensor) -> Tensor:
        return self.linear(x_BS2).tanh()

    def steps(self, window: Window) -> Steps:
        return strided_steps(window, self.stride)


def rows_themselves(x_S2: np.ndarray, stride: int) -> np.ndarray:
    return x_S2


TOY = Domain(name="toy", reader=read_walks, source="walk", step="position", handmade={"rows": rows_themselves})


def write_walks(root: Path, *, count: int = 24) -> Path:
    """Walks that turn left or right, and those that do not."""
    rng = np.random.default_rng(5)
    for number in range(count):
        turn = ("left", "right")[number % 2]
        angle = np.cumsum(rng.normal(0.3 if turn == "left" else -0.3, 0.1, size=40))
        (root / turn).mkdir(parents=True, exist_ok=True)
        np.save(root / turn / f"{number:02d}.npy", np.column_stack([np.cos(angle), np.sin(angle)]))
    return root
