"""The empty panel that every figure begins with: one look, no state outside the figure.

Drawing happens inside `matplotlib.rc_context(HOUSE)`, which page.py opens around all figures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from torchcpc.contracts import CPCError
from torchcpc.report import format
from torchcpc.report.palette import horizon, light

WIDTH, HEIGHT = 4.7, 3.1  # inches; at 72 points an inch a text of 9 points is about 12 CSS pixels on a page
MOST_POINTS = 200
HORIZON = "k = "
DASHES = (0, (4, 3))

HOUSE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "torchcpc",  # the same figure gives the same ids
    "text.parse_math": False,  # labels come from users; a dollar sign is a dollar sign
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "axes.unicode_minus": True,
    "text.color": light("ink"),
    "axes.labelcolor": light("muted"),
    "axes.edgecolor": light("muted"),
    "xtick.color": light("muted"),
    "ytick.color": light("muted"),
    "grid.color": light("rule"),
    "grid.linewidth": 0.8,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.2,
}


@contextmanager
def house() -> Iterator[None]:
    with matplotlib.rc_context(HOUSE):
        yield


def save(path: Path, draw: Callable[[], Figure]) -> None:
    """A figure alone, as .svg or .png. Raises CPCError for another ending or a place that cannot be written."""
    check_ending(path)
    try:
        with house():
            path.parent.mkdir(parents=True, exist_ok=True)
            draw().savefig(path, dpi=160, facecolor=light("card"))
    except OSError as error:
        raise CPCError(f"cannot write {path}: {error.strerror or error}. Choose another place.") from None


def check_ending(path: Path) -> None:
    """Raises CPCError for the name of a picture that is neither .svg nor .png."""
    if path.suffix not in (".svg", ".png"):
        raise CPCError(f"{path}: cannot draw a {path.suffix!r} file. End the name in .svg or .png.")


def panel(*, x: str, y: str, width: float = WIDTH, height: float = HEIGHT) -> tuple[Figure, Axes]:
    """A figure of one pair of axes, with a grid of horizontal rules and both axes named with their units."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(axis="y")
    axes.set(xlabel=x, ylabel=y)
    return figure, axes


def over_steps(*, y: str, last: int) -> tuple[Figure, Axes]:
    """A panel over training steps 0 to `last`, the same in every figure of a run so that they can be compared."""
    figure, axes = panel(x="training step", y=y)
    axes.set_xlim(0, max(last, 1) * 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: short(step, last)))
    return figure, axes


def short(step: float, last: int) -> str:
    """A step on an axis that ends at `last`: 2,000 of 8,000; 5k of 20k; 1.5M of 2M."""
    for size, letter in ((1e6, "M"), (1e4, "k")):
        if last >= size:
            return f"{step / (1e6 if letter == 'M' else 1e3):g}{letter}" if step else "0"
    return f"{step:,g}"


def shares(axes: Axes) -> None:
    """The y axis as percent of the whole, 0 to 100."""
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f}"))


def thin(step: np.ndarray, values: np.ndarray, most: int = MOST_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """At most `most` points along the first axis, each the mean of a run of neighbours (as many as fit are equally long).

    A value that is not finite makes its mean so too: it stays visible as a gap.
    """
    if len(step) <= most:
        return step, values
    with np.errstate(invalid="ignore"):
        groups = np.array_split(np.arange(len(step)), most)
        return np.array([step[g].mean() for g in groups]), np.stack([values[g].mean(axis=0) for g in groups])


def thinned(lines: int) -> str:
    """The sentence of a caption that owns up to `thin`; empty where it changed nothing."""
    return f" Each point is the mean of about {math.ceil(lines / MOST_POINTS)} logged lines." if lines > MOST_POINTS else ""


def mark(points: int, marker: str = "o", most: int = 25) -> str:
    """A marker where there are so few points that a line alone could be missed."""
    return marker if points <= most else ""


def per_horizon(axes: Axes, name: str, step: np.ndarray, values_LK: np.ndarray, horizons: tuple[int, ...]) -> None:
    """One line for each horizon, near to far along the ramp, far drawn first; the gid of each is NAME-kK."""
    step, values_LK = thin(step, values_LK)
    for i in reversed(range(len(horizons))):
        axes.plot(
            step,
            values_LK[:, i],
            color=horizon(i, len(horizons)),
            label=f"{HORIZON}{horizons[i]}",
            gid=f"{name}-k{horizons[i]}",
            linewidth=1.3,
            marker=mark(len(step)),
            markersize=2.8,
        )


def reference(axes: Axes, name: str, step: np.ndarray, values_LK: np.ndarray, label: str) -> None:
    """A dashed line for a quantity that is the same at all horizons, two where it is not: its lowest and its highest."""
    step, values_LK = thin(step, values_LK)
    low, high = np.fmin.reduce(values_LK, axis=1), np.fmax.reduce(values_LK, axis=1)  # of the horizons measured
    same = np.allclose(low, high, rtol=1e-6, equal_nan=True)
    ends = ((high, label, "high"),) if same else ((high, f"{label} (range over k)", "high"), (low, "_", "low"))
    for values, words, end in ends:
        gid = f"{name}-{end}"
        axes.plot(
            step,
            values,
            color=light("ink"),
            linestyle=DASHES,
            linewidth=1.2,
            label=words,
            gid=gid,
            marker=mark(len(step), "_", 1),
        )


def legend(figure: Figure, axes: Axes) -> None:
    """A legend above the axes, never over data; of many horizons it names the first, the middle and the last."""
    entries = [(handle, format.label(name, 34)) for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)]
    ks = [entry for entry in reversed(entries) if entry[1].startswith(HORIZON)]
    few = ks if len(ks) <= 4 else [ks[0], ks[len(ks) // 2], ks[-1]]
    shown = few + [entry for entry in entries if not entry[1].startswith(HORIZON)]
    # In characters: the handle and the gap of an entry take about six, an inch of width holds about fifteen.
    sizes, room = [len(name) + 6 for _, name in shown], 15 * figure.get_figwidth()
    columns = len(shown) if sum(sizes) <= room else max(1, int(room / max(sizes)))
    figure.legend(*zip(*shown, strict=True), loc="outside upper left", ncols=columns, borderaxespad=0.2)
