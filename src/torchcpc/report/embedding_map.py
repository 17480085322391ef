"""Embeddings in two dimensions, coloured by a label. A pointer on a dot shows the name of its row."""

from collections import Counter

import numpy as np

from torchcpc.probes.result import EmbeddingMap
from torchcpc.report import format
from torchcpc.report.palette import HUES, light
from torchcpc.report.panel import panel
from torchcpc.report.svg import PageFigure

MOST_LABELS, MOST_POINTS = 12, 4000


def draw_map(layout: EmbeddingMap, index: int = 0) -> PageFigure:
    """Draw the map.

    It has at most MOST_POINTS points and MOST_LABELS labels. If there are more points, every n-th is drawn. The rarer
    labels are drawn as "other".

    Args:
        layout: The map.
        index: Its number on the page.
    """
    every = -(-len(layout.labels) // MOST_POINTS) or 1
    points, labels = layout.points[::every], np.array(layout.labels, dtype=object)[::every]
    keys = np.array(layout.keys or layout.labels, dtype=object)[::every]
    labels_shown = [
        f"{format.printable(key)}: {format.printable(label)}" if layout.keys else format.printable(label)
        for key, label in zip(keys, labels, strict=True)
    ]
    hint = np.array(labels_shown, dtype=object)
    counts = Counter(layout.labels)
    # Numbers come first, sorted by size. Names follow in alphabetical order.
    common = [label for label, _ in counts.most_common(MOST_LABELS)]
    named = sorted(common, key=lambda label: (0, int(label), label) if label.isdecimal() else (1, 0, label))
    figure, axes = panel(x="", y="", height=3.0)
    axes.grid(visible=False)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    rest = ~np.isin(labels, named)
    hues, hints = [hue for hue in HUES if hue != "slate"] + ["k7"], dict[str, list[str]]()
    for order, label in enumerate(named):
        colour, shape, gid = light(hues[order % len(hues)]), "o^"[order // len(hues) % 2], f"map-{index}-{order}"
        look = {"label": format.lines(label, 22), "gid": gid, "color": colour, "marker": shape}
        axes.scatter(*points[labels == label].T, s=15, alpha=0.75, linewidths=0, **look)
        hints[gid] = hint[labels == label].tolist()
    if rest.any():
        name, gid = f"other ({len(counts) - len(named)} labels)", f"map-{index}-other"
        axes.scatter(*points[rest].T, s=8, color=light("muted"), alpha=0.25, linewidths=0, label=name, gid=gid, zorder=0.5)
        hints[gid] = hint[rest].tolist()
    widest = max((len(line) for label in named for line in format.lines(label, 22).split("\n")), default=1)
    columns = max(1, min(6, 66 // (widest + 6)))
    figure.legend(loc="outside lower center", ncols=columns, markerscale=1.6, handletextpad=0.2)
    axes.set_aspect("equal", adjustable="datalim")
    thinned = f" One point in {every} is drawn." if every > 1 else ""
    hover = " Point at a dot to see its name." if layout.keys else ""
    caption = (
        f"Each dot is one of {format.count(len(layout.labels))} test embeddings, placed by t-SNE. CPC never saw the labels. Distances "
        f"between groups and directions have little meaning.{hover}{thinned}"
    )
    title = f"Map of embeddings by {format.printable(layout.label)}" if layout.label else "Map of embeddings"
    return PageFigure(f"map-{index}", title, caption, figure, hints=hints)
