"""What the representation is good for: accuracy with intervals, accuracy from few labels, and a flat map of embeddings."""

from collections import Counter
from math import isfinite

import numpy as np
from matplotlib.ticker import NullLocator

from torchcpc.probes.result import EmbeddingMap, ProbeTable, RowSummary
from torchcpc.report import format
from torchcpc.report.palette import HUES, light
from torchcpc.report.panel import DASHES, HEIGHT, legend, line, panel, shares
from torchcpc.report.svg import PageFigure

MARKERS = "osD^vP"
MOST_LABELS, MOST_POINTS = 12, 4000  # of a map


def best_first(table: ProbeTable) -> list[RowSummary]:
    """The rows, highest accuracy first."""
    return sorted(table.rows, key=lambda row: -row.accuracy.mean)


def row_name(row: RowSummary) -> str:
    """Features and probe of a row."""
    return format.printable(f"{row.features}, {row.probe}" if row.probe else row.features)


def draw(table: ProbeTable, index: int) -> list[PageFigure]:
    """The pictures of table `index`, possibly none."""
    pictures = [accuracies(table, index)] if table.rows else []
    return [*pictures, label_efficiency(table, index)] if table.efficiency else pictures


def accuracies(table: ProbeTable, index: int) -> PageFigure:
    """A dot a row with its interval and its seeds."""
    rows = best_first(table)
    figure, axes = panel(x="test accuracy (%)", y="", height=max(HEIGHT, 1.0 + 0.3 * len(rows)))
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x")
    for place, row in enumerate(rows):
        cpc, value, seeds = row.role == "cpc", row.accuracy, row.accuracies
        colour = light("blue" if cpc else "slate")
        line(axes, (value.low, value.high), (place, place), colour, 2.4, gid=f"interval-{index}-{place}").set_alpha(0.45)
        axes.plot(seeds, [place + 0.3] * len(seeds), "|", color=colour, markersize=4, alpha=0.8, markeredgewidth=0.8)
        axes.plot([value.mean], [place], "o" if cpc else "s", color=colour, markersize=5.5, gid=f"mean-{index}-{place}")
        beside = {"xytext": (8, 0), "textcoords": "offset points", "va": "center", "color": light("ink" if cpc else "muted")}
        axes.annotate(format.percent(value.mean), (float(np.fmax(value.high, value.mean)), place), fontsize=8.5, **beside)
    axes.set_yticks(range(len(rows)), [format.label(row_name(row), 26) for row in rows])
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_color(light("blue" if row.role == "cpc" else "ink"))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    # Room on the right for the number beside the highest interval.
    axes.set_xlim(0, float(np.fmax.reduce([1.0, *(row.accuracy.high for row in rows)])) + 0.22)
    axes.set_xticks([percent / 100 for percent in range(0, 101, 20)], [f"{percent}" for percent in range(0, 101, 20)])
    chance = ""
    if isfinite(table.chance):
        axes.axvline(table.chance, color=light("ink"), linestyle=DASHES, linewidth=1.2, gid=f"chance-{index}", label="chance")
        chance = f" The dashed line is chance: always naming the commonest class is right in {format.percent(table.chance)}."
        legend(figure, axes)
    decide = " Where bars overlap, the paired differences below decide." if table.differences else ""
    caption = (
        "Test accuracy of each kind of features, the highest first. CPC is blue with round dots. Bars are 95 % intervals, the strokes "
        f"below them single seeds.{chance}{decide}"
    )
    return PageFigure(f"probe-{index}", f"{format.printable(table.label)}: accuracy by features", caption, figure)


def label_efficiency(table: ProbeTable, index: int) -> PageFigure:
    """Accuracy over the number of labels of each class, a line a kind of features, CPC first."""
    figure, axes = panel(x="labels per class", y="test accuracy (%)", height=max(HEIGHT, 1.0 + 0.3 * len(table.rows)))
    counts = sorted({point.labels_per_class for point in table.efficiency if point.labels_per_class is not None})
    # "all" has no number of its own: it stands one ordinary stride (a factor) beyond the largest count.
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
    if isfinite(table.chance):
        axes.axhline(table.chance, color=light("ink"), linestyle=DASHES, linewidth=1.2, label="chance")
    axes.set_xscale("log")
    ends = [(end, "all")] if any(point.labels_per_class is None for point in table.efficiency) else []
    axes.set_xticks(*zip(*((float(n), format.count(n)) for n in counts), *ends, strict=True))
    axes.xaxis.set_minor_locator(NullLocator())
    shares(axes)
    legend(figure, axes)
    caption = (
        "Test accuracy when this many labels of each class train the probe (logarithmic axis; all labels at the right end). Bands are "
        "95 % intervals. The further left a curve rises, the fewer labels its features need."
    )
    return PageFigure(f"efficiency-{index}", f"{format.printable(table.label)}: accuracy from few labels", caption, figure)


def draw_map(layout: EmbeddingMap) -> PageFigure:
    """The map, at most MOST_POINTS points (every n-th) and MOST_LABELS labels; the rarer labels together are "other"."""
    every = -(-len(layout.labels) // MOST_POINTS) or 1
    points, labels = layout.points[::every], np.array(layout.labels, dtype=object)[::every]
    counts = Counter(layout.labels)
    # Numbers in order of size before names in order of letters.
    common = [label for label, _ in counts.most_common(MOST_LABELS)]
    named = sorted(common, key=lambda label: (0, int(label), label) if label.isdecimal() else (1, 0, label))
    figure, axes = panel(x="", y="", width=5.0, height=4.8)
    axes.grid(visible=False)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    rest = ~np.isin(labels, named)
    hues = [hue for hue in HUES if hue != "slate"] + ["k7"]
    for order, label in enumerate(named):
        hue, shape = light(hues[order % len(hues)]), "o^"[order // len(hues) % 2]
        look = {"label": format.label(label, 22), "gid": f"map-{order}"}
        axes.scatter(*points[labels == label].T, s=13, color=hue, marker=shape, alpha=0.75, linewidths=0, **look)
    if rest.any():
        name, grey = f"other ({len(counts) - len(named)} labels)", light("muted")
        axes.scatter(*points[rest].T, s=7, color=grey, alpha=0.25, linewidths=0, label=name, gid="map-other", zorder=0.5)
    columns = max(2, min(6, 72 // (max(len(format.label(label, 22)) for label in named) + 5)))
    figure.legend(loc="outside lower center", ncols=columns, markerscale=1.6, handletextpad=0.2)
    axes.set_aspect("equal", adjustable="datalim")
    thinned = f" One point in {every} is drawn." if every > 1 else ""
    caption = (
        f"Each point is one embedding ({format.count(len(layout.labels))} in all). Colour and shape show its label, which CPC never "
        f"saw. Groups that stand apart are easy to tell apart; distances between groups and directions mean little.{thinned}"
    )
    title = f"Map of embeddings by {format.printable(layout.label)}" if layout.label else "Map of embeddings"
    return PageFigure("map", title, caption, figure, wide=True)
