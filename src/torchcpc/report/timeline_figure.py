"""How expected each step of one source was, from its beginning to its end, as a picture."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from torchcpc.information.timeline_result import Timeline
from torchcpc.report import format
from torchcpc.report.palette import horizon, light
from torchcpc.report.panel import DASHES, HORIZON, legend, line, panel, thin
from torchcpc.report.svg import Picture

# More marks than this would cover the lines; more names would cover each other.
_MOST_MARKS, _MOST_NAMES, _MOST_POINTS = 120, 14, 800


def draw(timeline: Timeline) -> Picture:
    """PMI over the steps, a line a horizon; dashed in a stretch that was shuffled; an upright line at each heading."""
    shuffled, count = timeline.shuffled, len(timeline.horizons)
    figure, axes = panel(x=f"{timeline.unit} of {format.printable(timeline.source)}", y="PMI (nats)", width=7.2, height=3.4)
    axes.axhline(0, color=light("ink"), linestyle=DASHES, linewidth=1.2)
    if shuffled:
        axes.axvspan(shuffled.first, shuffled.last, color=light("rule"), linewidth=0, gid="timeline-shuffled")
    for i, k in reversed(list(enumerate(timeline.horizons))):
        colour = horizon(i, count)
        line(axes, *_points(timeline.pmi[i]), colour, 1.3, label=f"{HORIZON}{k}", gid=f"timeline-k{k}")
        if shuffled:
            steps, values = _points(shuffled.pmi[i])
            inside = (steps >= shuffled.first) & (steps < shuffled.last)
            line(axes, steps[inside], values[inside], colour, 1.3, gid=f"timeline-shuffled-k{k}").set_linestyle((0, (2, 1.5)))
    _mark(axes, timeline)
    axes.set_xlim(0, timeline.pmi.shape[1])
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    legend(figure, axes)
    return Picture("timeline", "How expected each step was", _caption(timeline), figure, wide=True)


def _mark(axes: Axes, timeline: Timeline) -> None:
    """The headings as upright lines, some of them with their names."""
    marks = timeline.marks[:: -(-len(timeline.marks) // _MOST_MARKS) or 1]
    for step, _ in marks:
        axes.axvline(step, color=light("muted"), linewidth=0.6, alpha=0.7, zorder=0)
    for step, name in marks[:: -(-len(marks) // _MOST_NAMES) or 1]:
        axes.annotate(
            *(format.label(name, 12), (step, 1), (2, -2)),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            rotation=90,
            va="top",
            fontsize=6.5,
            color=light("muted"),
        )


def _caption(timeline: Timeline) -> str:
    """What the lines are."""
    text = (
        f"PMI of each {timeline.unit} given all before, predicted k steps earlier; mean of {timeline.smooth} neighbours. At 0 the context "
        "said nothing, below 0 it misled. A dip is a surprise."
    )
    if timeline.marks:
        text += f" Upright lines are {format.plural(len(timeline.marks), 'heading')}"
        text += ", not all of which are drawn." if len(timeline.marks) > _MOST_MARKS else "."
    if timeline.shuffled:
        text += f" In the shaded stretch the dashed lines are the same {timeline.unit}s in random order."
    return text


def _points(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return thin(np.arange(len(values)), values, most=_MOST_POINTS)
