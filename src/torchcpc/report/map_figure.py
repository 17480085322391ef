"""A flat map of embeddings, coloured and shaped by label."""

from __future__ import annotations

from collections import Counter

import numpy as np

from torchcpc.report import format
from torchcpc.report.palette import HUES, light
from torchcpc.report.panel import panel
from torchcpc.report.probe import Map
from torchcpc.report.svg import Picture

MOST_LABELS = 12
MOST_POINTS = 4000
SHAPES = "o^"


def draw(layout: Map) -> Picture:
    """The map, at most MOST_POINTS points (every n-th) and MOST_LABELS labels, the rarer ones together as 'other'."""
    every = -(-len(layout.points) // MOST_POINTS)
    points = np.array(layout.points, dtype=float).reshape(-1, 2)[:: every or 1]
    labels = np.array(layout.labels, dtype=object)[:: every or 1]
    counts = Counter(layout.labels)
    named = sorted((label for label, _ in counts.most_common(MOST_LABELS)), key=natural)
    figure, axes = panel(x="", y="", width=5.0, height=4.8)
    axes.grid(visible=False)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    rest = ~np.isin(labels, named)
    hues = [hue for hue in HUES if hue != "slate"] + ["k7"]
    for order, label in enumerate(named):
        mine = labels == label
        axes.scatter(
            *points[mine].T,
            s=13,
            color=light(hues[order % len(hues)]),
            marker=SHAPES[order // len(hues) % len(SHAPES)],
            alpha=0.75,
            linewidths=0,
            label=format.label(label, 22),
            gid=f"map-{order}",
        )
    if rest.any():
        word = f"other ({len(counts) - len(named)} labels)"
        axes.scatter(
            *points[rest].T, s=7, color=light("muted"), alpha=0.25, linewidths=0, label=word, gid="map-other", zorder=0.5
        )
    longest = max(len(format.label(label, 22)) for label in named)
    columns = max(2, min(6, 72 // (longest + 5)))
    figure.legend(loc="outside lower center", ncols=columns, markerscale=1.6, handletextpad=0.2)
    axes.set_aspect("equal", adjustable="datalim")
    thinned = f" One point in {every} is drawn." if every > 1 else ""
    caption = (
        f"Each point is one embedding ({format.count(len(layout.points))} in all), coloured and shaped by its label, which CPC "
        "never saw. Groups that stand apart are told apart easily; distances between groups and the directions of axes say "
        f"little.{thinned}"
    )
    title = f"Map of embeddings by {format.printable(layout.label)}" if layout.label else "Map of embeddings"
    return Picture("map", title, caption, figure, wide=True)


def natural(label: str) -> tuple[int, int, str]:
    """Numbers in order of size before names in order of letters."""
    return (0, int(label), label) if label.isdecimal() else (1, 0, label)
