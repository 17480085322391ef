"""Figures of probes: accuracy with intervals, and accuracy from few labels."""

from math import isfinite

from matplotlib.ticker import NullLocator

from torchcpc.probes.result import ProbeTable, RowSummary
from torchcpc.report import format
from torchcpc.report.dots import Dot, dots
from torchcpc.report.fitted_axis import range_of, tell_far
from torchcpc.report.palette import HUES, light
from torchcpc.report.panel import DASHES, HEIGHT, legend, line, panel
from torchcpc.report.svg import PageFigure
from torchcpc.report.verdict import row_name

MARKERS = "osD^vP"


def best_first(table: ProbeTable) -> list[RowSummary]:
    """Return the rows, highest accuracy first."""
    return sorted(table.rows, key=lambda row: -row.accuracy.mean)


def accuracies(table: ProbeTable, index: int) -> PageFigure:
    """Draw a dot with its interval and its seeds for each row."""
    rows = [Dot(row_name(row), row.accuracy, row.role == "cpc", row.accuracies) for row in best_first(table)]
    figure = dots(rows, str(index), x="test accuracy (%)", reference=("chance", table.chance))
    several = any(len(row.seeds) > 1 for row in rows)
    strokes = " Strokes below a bar are single seeds." if several else ""
    caption = f"CPC is blue with round dots. Bars are 95 % intervals.{strokes} If bars overlap, look at the paired difference."
    return PageFigure(f"probe-{index}", "Accuracy by features", caption, figure)


def label_efficiency(table: ProbeTable, index: int) -> PageFigure:
    """Draw accuracy over the labels per class, with one line for each kind of features. CPC is drawn first."""
    figure, axes = panel(x="labels per class", y="test accuracy (%)", height=max(HEIGHT, 1.6 + 0.2 * len(table.rows)))
    counts = sorted({point.labels_per_class for point in table.efficiency if point.labels_per_class is not None})
    # "all" has no number. It is drawn one usual stride (a factor) beyond the largest count.
    stride = counts[-1] / counts[-2] if len(counts) > 1 else 4.0
    end = float(counts[-1] * stride) if counts else 1.0
    roles = {point.features: point.role for point in table.efficiency}
    for order, features in enumerate(sorted(roles, key=lambda name: roles[name] != "cpc")):
        colour = light(tuple(HUES)[order % len(HUES)])
        points = {point.labels_per_class or end: point.accuracy for point in table.efficiency if point.features == features}
        x = sorted(points)
        axes.fill_between(x, [points[at].low for at in x], [points[at].high for at in x], color=colour, alpha=0.14, linewidth=0)
        means, width = [points[at].mean for at in x], 2.0 if roles[features] == "cpc" else 1.4
        line(axes, x, means, colour, width, features, f"efficiency-{index}-{order}", MARKERS[order % len(MARKERS)])
    ends = [value for point in table.efficiency for value in (point.accuracy.low, point.accuracy.mean, point.accuracy.high)]
    low, high = range_of(ends, least=0.05)
    if isfinite(table.chance) and table.chance >= low - 0.6 * (high - low):
        low = min(low, table.chance)
        axes.axhline(table.chance, color=light("ink"), linestyle=DASHES, linewidth=1.2, label="chance")
    elif isfinite(table.chance):
        tell_far(axes, "chance", [("", format.percent(table.chance))], "below")
    axes.set_xscale("log")
    last = [(end, "all")] if any(point.labels_per_class is None for point in table.efficiency) else []
    axes.set_xticks(*zip(*((float(n), format.count(n)) for n in counts), *last, strict=True))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}")
    legend(figure, axes)
    caption = (
        "Test accuracy of a probe that is trained on this many labels per class (logarithmic axis). Bands are 95 % intervals. "
        "Features whose curve rises further left need fewer labels."
    )
    return PageFigure(f"efficiency-{index}", "Accuracy from few labels", caption, figure)
