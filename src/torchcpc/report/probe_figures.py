"""What the representation is good for: accuracy with intervals, and accuracy from few labels."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from torchcpc.report import format
from torchcpc.report.palette import HUES, light
from torchcpc.report.panel import DASHES, HEIGHT, legend, panel, shares
from torchcpc.report.probe import Few, Table
from torchcpc.report.svg import Picture

MARKERS = "osD^vP"


def draw(table: Table, index: int) -> list[Picture]:
    """The pictures of table `index`, possibly none."""
    pictures = [dots(table, index)] if table.rows else []
    return [*pictures, few_labels(table, index)] if table.efficiency else pictures


def dots(table: Table, index: int) -> Picture:
    figure, axes = panel(x="test accuracy (%)", y="", height=max(HEIGHT, 1.0 + 0.3 * len(table.rows)))
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x")
    for place, row in enumerate(table.rows):
        colour = light("blue" if row.ours else "slate")
        axes.plot((row.low, row.high), (place, place), color=colour, linewidth=2.4, alpha=0.45, gid=f"interval-{index}-{place}")
        axes.plot(
            row.accuracies, [place + 0.3] * len(row.accuracies), "|", color=colour, markersize=4, alpha=0.8, markeredgewidth=0.8
        )
        axes.plot([row.mean], [place], "o" if row.ours else "s", color=colour, markersize=5.5, gid=f"mean-{index}-{place}")
        axes.annotate(
            format.percent(row.mean),
            (max(row.high, row.mean), place),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=light("ink" if row.ours else "muted"),
        )
    axes.set_yticks(range(len(table.rows)), [format.label(row.name, 26) for row in table.rows])
    for tick, row in zip(axes.get_yticklabels(), table.rows, strict=True):
        tick.set_color(light("blue" if row.ours else "ink"))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(table.rows) - 0.4, -0.6)
    # Room on the right for the number beside the highest interval.
    axes.set_xlim(0, max(1.0, max(row.high for row in table.rows)) + 0.22)
    axes.xaxis.set_major_locator(FixedLocator(np.linspace(0, 1, 6).tolist()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f}"))
    chance = ""
    if table.chance is not None:
        axes.axvline(
            table.chance, color=light("ink"), linestyle=DASHES, linewidth=1.2, gid=f"probe-chance-{index}", label="chance"
        )
        chance = f" The dashed line is chance: always naming the commonest class is right in {format.percent(table.chance)}."
        legend(figure, axes)
    decide = " Where bars overlap, the paired differences below decide." if table.differences else ""
    caption = (
        "Test accuracy of each kind of features, the highest first; CPC in blue with round dots. The bar is the 95 % interval, "
        f"the strokes below it are single seeds.{chance}{decide}"
    )
    return Picture(f"probe-{index}", f"{format.printable(table.label)}: accuracy by features", caption, figure)


def few_labels(table: Table, index: int) -> Picture:
    figure, axes = panel(x="labels per class", y="test accuracy (%)", height=max(HEIGHT, 1.0 + 0.3 * len(table.rows)))
    counts = sorted({each.labels for each in table.efficiency if each.labels is not None})
    # "all" has no number of its own: it stands one ordinary stride (a factor) beyond the largest count.
    stride = counts[-1] / counts[-2] if len(counts) > 1 else 4.0
    end = float(counts[-1] * stride) if counts else 1.0
    names = dict.fromkeys(each.features for each in table.efficiency)
    for order, features in enumerate(sorted(names, key=lambda name: not name.startswith("CPC"))):
        colour = light(tuple(HUES)[order % len(HUES)])
        line = sorted((each for each in table.efficiency if each.features == features), key=lambda each: place(each, end))
        x = [place(each, end) for each in line]
        axes.fill_between(x, [each.low for each in line], [each.high for each in line], color=colour, alpha=0.14, linewidth=0)
        axes.plot(
            x,
            [each.mean for each in line],
            color=colour,
            marker=MARKERS[order % len(MARKERS)],
            markersize=4.5,
            linewidth=2.0 if features.startswith("CPC") else 1.4,
            label=features,
            gid=f"efficiency-{index}-{order}",
        )
    if table.chance is not None:
        axes.axhline(table.chance, color=light("ink"), linestyle=DASHES, linewidth=1.2, label="chance")
    axes.set_xscale("log")
    ticks = [float(each) for each in counts]
    words = [format.count(each) for each in counts]
    if any(each.labels is None for each in table.efficiency):
        ticks, words = [*ticks, end], [*words, "all"]
    axes.set_xticks(ticks, words)
    axes.xaxis.set_minor_locator(NullLocator())
    shares(axes)
    legend(figure, axes)
    caption = (
        "Test accuracy when only so many labels of each class train the probe (logarithmic axis; all labels at the right end). "
        "The bands are 95 % intervals. The further left a curve rises, the fewer labels its features need."
    )
    return Picture(f"efficiency-{index}", f"{format.printable(table.label)}: accuracy from few labels", caption, figure)


def place(few: Few, end: float) -> float:
    return end if few.labels is None else float(few.labels)
