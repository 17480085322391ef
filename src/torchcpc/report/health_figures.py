"""Signs of trouble: the effective ranks of the representation and the size of the gradient."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from torchcpc.report.metrics import Metrics
from torchcpc.report.palette import light
from torchcpc.report.panel import legend, line, mark, over_steps, thin, thinned
from torchcpc.report.svg import Picture


def draw(metrics: Metrics) -> list[Picture]:
    """Every picture that these metrics allow, possibly none."""
    return [picture for picture in (ranks(metrics), gradient(metrics)) if picture is not None]


def ranks(metrics: Metrics) -> Picture | None:
    """The effective ranks of z and c; None where none were logged."""
    valid = metrics.valid
    if valid is None or not any(np.isfinite(valid.single[name]).any() for name in ("rank_z", "rank_c")):
        return None
    figure, axes = over_steps(y="effective rank (dimensions)", last=metrics.last)
    looks = {"rank_z": ("orange", "s", "steps z"), "rank_c": ("blue", "o", "contexts c")}
    for name, (colour, marker, label) in looks.items():
        step, values = thin(valid.step, valid.single[name])
        line(axes, step, values, light(colour), 1.6, label=label, gid=name, marker=mark(len(step), marker))
    axes.set_ylim(bottom=0)
    legend(figure, axes)
    caption = (
        "How many directions the representation uses, on validation data. A fall towards 1 is collapse: all inputs look alike and "
        "the bound goes to 0. It cannot exceed the number of dimensions." + thinned(len(valid))
    )
    return Picture("ranks", "Effective rank of z and c", caption, figure)


def gradient(metrics: Metrics) -> Picture | None:
    """The gradient norm; None where none was logged."""
    train = metrics.train
    if train is None:
        return None
    step, values = thin(train.step, train.single["gradient_norm"])
    positive = np.isfinite(values) & (values > 0)
    if not positive.any():
        return None
    figure, axes = over_steps(y="gradient norm", last=metrics.last)
    line(axes, step, np.where(positive, values, np.nan), light("slate"), 1.2, gid="gradient_norm", marker=mark(len(step)))
    decades(axes, values[positive])
    caption = (
        "The length of the gradient before clipping, on a logarithmic axis. Jumps of a factor of ten, or a steady climb, ask for a "
        "smaller learning rate." + thinned(len(train))
    )
    return Picture("gradient", "Gradient norm", caption, figure)


def decades(axes: Axes, values: np.ndarray) -> None:
    """A logarithmic y axis over at least one decade around positive values, so that a flat line looks flat."""
    low, high = float(values.min()), float(values.max())
    spare = max(1.15, math.sqrt(10 / (high / low)))
    low, high = low / spare, high * spare
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    leads = (1, 2, 5) if high / low < 1000 else (1,)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [lead * 10.0**exponent for exponent in exponents for lead in leads if low <= lead * 10.0**exponent <= high]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.yaxis.set_minor_locator(NullLocator())
