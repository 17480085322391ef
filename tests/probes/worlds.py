"""Tasks of Gaussian classes for the tests of this room."""

import numpy as np

from torchcpc.probes.task import Features, Labels, Task

SIZES = {"train": 397, "validation": 101, "test": 211}


def gaussian_classes(*, classes=3, dim=7, spread=1.0, rows_per_source=1, seed=0):
    """A task whose classes are unit Gaussians around random centres, and features that hold the points themselves."""
    generator = np.random.default_rng(seed)
    centres = spread * generator.normal(size=(classes, dim))
    parts, x, first = {}, {}, 0
    for part, rows in SIZES.items():
        y = np.concatenate([np.arange(classes), generator.integers(0, classes, size=rows - classes)])
        x[part] = (centres[y] + generator.normal(size=(rows, dim))).astype(np.float32)
        parts[part] = Labels(y, first + np.arange(rows) // rows_per_source)
        first += rows
    return Task("class", "row", tuple("abcdefghij"[:classes]), **parts), Features("points", **x)
