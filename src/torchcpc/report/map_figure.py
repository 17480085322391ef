"""A flat map of embeddings, coloured and shaped by label."""

from __future__ import annotations

from collections import Counter

import numpy as np

from torchcpc.probes.result import EmbeddingMap
from torchcpc.report import format
from torchcpc.report.palette import HUES, light
from torchcpc.report.panel import panel
from torchcpc.report.svg import Picture

MOST_LABELS = 12
MOST_POINTS = 4000
SHAPES = "o^"


def draw(layout: EmbeddingMap) -> Picture:
    """The map, at most MOST_POINTS points (every n-th) and MOST_LABELS labels; the rarer labels together are "other"."""
    every = -(-len(layout.labels) // MOST_POINTS) or 1
    points, labels = layout.points[::every], np.array(layout.labels, dtype=object)[::every]
    counts = Counter(layout.labels)
    named = sorted((label for label, _ in counts.most_common(MOST_LABELS)), key=natural)
    figure, axes = panel(x="", y="", width=5.0, height=4.8)
    axes.grid(visible=False)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    rest = ~np.isin(labels, named)
    hues = [hue for hue in HUES if hue != "slate"] + ["k7"]
    for order, label in enumerate(named):
        hue, shape = light(hues[order % len(hues)]), SHAPES[order // len(hues) % len(SHAPES)]
        look = {"label": format.label(label, 22), "gid": f"map-{order}"}
        axes.scatter(*points[labels == label].T, s=13, color=hue, marker=shape, alpha=0.75, linewidths=0, **look)
    if rest.any():
        name, grey = f"other ({len(counts) - len(named)} labels)", light("muted")
        axes.scatter(*points[rest].T, s=7, color=grey, alpha=0.25, linewidths=0, label=name, gid="map-other", zorder=0.5)
    longest = max(len(format.label(label, 22)) for label in named)
    columns = max(2, min(6, 72 // (longest + 5)))
    figure.legend(loc="outside lower center", ncols=columns, markerscale=1.6, handletextpad=0.2)
    axes.set_aspect("equal", adjustable="datalim")
    thinned = f" One point in {every} is drawn." if every > 1 else ""
    caption = (
        f"Each point is one embedding ({format.count(len(layout.labels))} in all). Colour and shape show its label, which CPC never "
        f"saw. Groups that stand apart are easy to tell apart; distances between groups and directions mean little.{thinned}"
    )
    title = f"Map of embeddings by {format.printable(layout.label)}" if layout.label else "Map of embeddings"
    return Picture("map", title, caption, figure, wide=True)


def natural(label: str) -> tuple[int, int, str]:
    """Numbers in order of size before names in order of letters."""
    return (0, int(label), label) if label.isdecimal() else (1, 0, label)
