"""The empty panel with which every figure begins. All figures share one style, and they are drawn within
`figure_style()`.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike

from torchcpc.atomic import replacing
from torchcpc.contracts import CPCError
from torchcpc.report import format
from torchcpc.report.palette import horizon, light
from torchcpc.report.svg import PageFigure

# Sizes in inches. A text of 9 points has 14 CSS pixels on a page with two figures side by side, and 11 on a phone.
WIDTH, HEIGHT, WIDE = 4.1, 2.7, 8.2
MOST_POINTS = 200
HORIZON = "k = "
DASHES = (0, (4, 3))

P = ParamSpec("P")


@contextmanager
def figure_style() -> Iterator[None]:
    """Set the matplotlib style of all figures within a with block."""
    with matplotlib.rc_context():
        muted = light("muted")
        matplotlib.rc("svg", fonttype="none", hashsalt="torchcpc")  # the same figure gives the same ids
        matplotlib.rc("text", parse_math=False, color=light("ink"))  # labels come from users, and a dollar sign is no formula
        matplotlib.rc("font", family=["DejaVu Sans"], size=9)
        matplotlib.rc("axes", labelsize=9, labelcolor=muted, edgecolor=muted, linewidth=0.8, axisbelow=True, unicode_minus=True)
        matplotlib.rc("axes.spines", top=False, right=False)
        matplotlib.rc("xtick", labelsize=8.5, color=muted)
        matplotlib.rc("ytick", labelsize=8.5, color=muted)
        matplotlib.rc("grid", color=light("rule"), linewidth=0.8)
        matplotlib.rc("lines", linewidth=1.6, solid_capstyle="round")
        matplotlib.rc("legend", fontsize=8.5, frameon=False, handlelength=1.6, columnspacing=1.2)
        yield


def save(path: Path, draw: Callable[P, PageFigure], *args: P.args, **kwargs: P.kwargs) -> None:
    """Save a single figure as .svg or .png.

    Args:
        path: The file.
        draw: Draws the figure.
        *args: Arguments of `draw`.
        **kwargs: Keyword arguments of `draw`.

    Raises:
        CPCError: If the name has another ending, or if the file cannot be written.
    """
    check_ending(path)
    with figure_style(), replacing(path) as partial:
        # By default an .svg holds the date. Without it, the same figure gives the same bytes.
        metadata = {"Date": None} if path.suffix == ".svg" else None
        draw(*args, **kwargs).figure.savefig(partial, dpi=160, facecolor=light("card"), metadata=metadata)


def check_ending(path: Path) -> None:
    """Check that the name of a figure ends in .svg or .png.

    Raises:
        CPCError: If it does not.
    """
    if path.suffix not in (".svg", ".png"):
        raise CPCError(f"{path}: cannot draw a {path.suffix!r} file. End the name in .svg or .png.")


def panel(*, x: str, y: str, width: float = WIDTH, height: float = HEIGHT) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes and a grid of horizontal rules.

    Args:
        x: The label of the x axis, with its unit.
        y: The label of the y axis, with its unit.
        width: The width in inches.
        height: The height in inches.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(axis="y")
    axes.set(xlabel=x, ylabel=y)
    return figure, axes


def over_steps(*, y: str, last: int) -> tuple[Figure, Axes]:
    """Return a panel over training steps 0 to `last`. All figures of a run have the same x axis."""
    figure, axes = panel(x="training step", y=y)
    axes.set_xlim(0, max(last, 1) * 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    # 2,000 of 8,000; 5k of 20k; 1.5M of 2M.
    size, letter = (1e6, "M") if last >= 1e6 else (1e3, "k") if last >= 1e4 else (1, "")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step / size:,g}{letter if step else ''}"))
    return figure, axes


def thin(step: np.ndarray, values: np.ndarray, most: int = MOST_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Reduce a curve to at most `most` points, each the mean of neighbours.

    A value that is not finite stays visible as a gap.
    """
    if len(step) <= most:
        return step, values
    with np.errstate(invalid="ignore"):
        groups = np.array_split(np.arange(len(step)), most)
        return np.array([step[g].mean() for g in groups]), np.stack([values[g].mean(axis=0) for g in groups])


def thinned(lines: int) -> str:
    """Return a sentence for the caption that says what `thin` did, or ""."""
    return f" Each point is the mean of about {math.ceil(lines / MOST_POINTS)} logged lines." if lines > MOST_POINTS else ""


def mark(points: int, marker: str = "o", most: int = 25) -> str:
    """Return a marker if there are so few points that a line alone could be missed."""
    return marker if points <= most else ""


def line(
    axes: Axes, x: ArrayLike, y: ArrayLike, colour: str, width: float, label: str = "_", gid: str = "", marker: str = ""
) -> Line2D:
    """Draw one line.

    Args:
        axes: The axes.
        x: The x of its points.
        y: The values.
        colour: The colour.
        width: The width of the line.
        label: The name in the legend.
        gid: The id in the SVG.
        marker: The marker of each point.
    """
    return axes.plot(x, y, color=colour, linewidth=width, label=label, gid=gid or None, marker=marker, markersize=4)[0]


def dashed(
    axes: Axes, x: ArrayLike, y: ArrayLike, *, label: str = "_", gid: str = "", marker: str = "", colour: str = ""
) -> None:
    """Draw a reference line, such as a ceiling or chance."""
    line(axes, x, y, colour or light("ink"), 1.2, label, gid, marker).set_linestyle(DASHES)


def per_horizon(
    axes: Axes, name: str, step: np.ndarray, values_LK: np.ndarray, horizons: tuple[int, ...], most: int = MOST_POINTS
) -> list[Line2D]:
    """Draw one line for each horizon.

    Colours run from near to far. The farthest is drawn first. The id of a line is NAME-kK.
    """
    step, values_LK = thin(step, values_LK, most)
    return [
        line(axes, step, values_LK[:, i], horizon(i, len(horizons)), 1.3, f"{HORIZON}{k}", f"{name}-k{k}", mark(len(step)))
        for i, k in reversed(list(enumerate(horizons)))
    ]


def legend(figure: Figure, axes: Axes) -> None:
    """Draw a legend above the axes, never over data. If there are many horizons, it names the first, the middle and
    the last.
    """
    entries = [(handle, format.lines(name, 44)) for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)]
    if not entries:
        return
    ks = [entry for entry in entries if entry[1].startswith(HORIZON)]
    ks.sort(key=lambda entry: int(entry[1].removeprefix(HORIZON)))
    few = ks if len(ks) <= 4 else [ks[0], ks[len(ks) // 2], ks[-1]]
    named = few + [entry for entry in entries if not entry[1].startswith(HORIZON)]
    # Widths are in characters. The handle and the gap of an entry take about six, and an inch holds about fifteen.
    sizes, room = [max(map(len, name.split("\n"))) + 6 for _, name in named], 15 * figure.get_figwidth()
    columns = len(named) if sum(sizes) <= room else max(1, int(room / max(sizes)))
    figure.legend(*zip(*named, strict=True), loc="outside upper left", ncols=columns, borderaxespad=0.2)
