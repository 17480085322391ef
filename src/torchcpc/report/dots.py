"""Figures that draw the rows of a table as dots with intervals, on an axis that fits them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from torchcpc.report import format
from torchcpc.report.fitted_axis import range_of, tell_far
from torchcpc.report.palette import light
from torchcpc.report.panel import DASHES, HEIGHT, legend, line, panel
from torchcpc.results import Interval

# On a narrower axis, differences of a few test rows would look large.
_SMALLEST_SPAN = 0.04
# The number next to a dot takes this share of the width.
_ROOM = 0.3
_LETTERS = 25


class Dot(NamedTuple):
    """A row of a table.

    Attributes:
        name: The name of the row.
        value: Its share, with the interval.
        cpc: Whether the row is one of CPC. These are drawn in blue.
        seeds: The value of each seed, drawn as a stroke.
    """

    name: str
    value: Interval
    cpc: bool
    seeds: tuple[float, ...] = ()


def dots(rows: Sequence[Dot], gid: str, *, x: str, reference: tuple[str, float] | None = None) -> Figure:
    """Draw a dot with its interval and its seeds for each row, in percent. The first row is on top.

    Args:
        rows: The rows.
        gid: The id of the figure in the SVG.
        x: The label of the axis.
        reference: The name and the value of a dashed line. If the value is far from the rows, it is written above the
            axes.
    """
    names = [format.lines(row.name, _LETTERS) for row in rows]
    places, heights = [], [max(1.0, 0.62 * (1 + name.count("\n"))) for name in names]
    for i, height in enumerate(heights):
        places.append(sum(heights[:i]) + height / 2)
    figure, axes = panel(x=x, y="", height=max(0.6 * HEIGHT, 0.9 + 0.29 * sum(heights)))
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x")
    values = [value for row in rows for value in (row.value.mean, row.value.low, row.value.high, *row.seeds)]
    low, high = range_of(values, least=_SMALLEST_SPAN)
    near = reference is not None and np.isfinite(reference[1]) and reference[1] >= low - 0.6 * (high - low)
    if reference and near:
        low, high = range_of([low, high, reference[1]], least=_SMALLEST_SPAN)
        axes.axvline(reference[1], color=light("ink"), linestyle=DASHES, linewidth=1.2, gid=f"chance-{gid}", label=reference[0])
        legend(figure, axes)
    elif reference and np.isfinite(reference[1]):
        tell_far(axes, reference[0], [("", format.percent(reference[1]))], "left of")
    for i, (row, place) in enumerate(zip(rows, places, strict=True)):
        colour = light("blue" if row.cpc else "slate")
        ends = (row.value.low, row.value.high), (place, place)
        line(axes, *ends, colour, 2.4, gid=f"interval-{gid}-{i}").set_alpha(0.45)
        if len(row.seeds) > 1:
            axes.plot(row.seeds, [place + 0.32] * len(row.seeds), "|", color=colour, markersize=4, alpha=0.8)
        axes.plot([row.value.mean], [place], "o" if row.cpc else "s", color=colour, markersize=5.5, gid=f"mean-{gid}-{i}")
        label_style = {
            "xytext": (8, 0),
            "textcoords": "offset points",
            "va": "center",
            "color": light("ink" if row.cpc else "muted"),
        }
        if not np.isfinite(row.value.mean):
            continue
        axes.annotate(
            format.percent(row.value.mean), (float(np.fmax(row.value.high, row.value.mean)), place), fontsize=8.5, **label_style
        )
    axes.set_yticks(places, names, linespacing=1.0)
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_color(light("blue" if row.cpc else "ink"))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(sum(heights) + 0.1, -0.1)
    spare = 0.04 * (high - low)
    axes.set_xlim(low - spare, high + spare + (high - low) * _ROOM / (1 - _ROOM))
    most = min(high + spare, 1.0 + 1e-9) if max(values, default=0.0) <= 1 else high + spare
    ticks = [tick for tick in MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high) if low - spare <= tick <= most]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: format.minus(f"{100 * share:g}")))
    return figure
