"""The colours of a light and a dark page.

Figures are drawn in the light colours. `torchcpc.report.svg` replaces them by CSS variables.
"""

import numpy as np

LEVELS = 16

NEUTRAL = {
    # name: (light, dark)
    "ink": ("#1f2430", "#e8eaef"),
    "muted": ("#596273", "#a7afbf"),
    "rule": ("#e2e5eb", "#303643"),
    "card": ("#fefefe", "#181b22"),
}

# The colours of categories, in the order of use. They differ for colour-blind readers too. The first one is for CPC.
HUES = {
    "blue": ("#0b62ae", "#62b2f4"),
    "orange": ("#c9540c", "#f29350"),
    "green": ("#0a7f5f", "#3cc79c"),
    "violet": ("#8d4a9e", "#cf9be0"),
    "ochre": ("#9a7400", "#e0b53c"),
    "slate": ("#6a7385", "#97a1b4"),
}

# The colours of horizons run from near to far along a ramp with three anchors for each theme.
ANCHORS = (("#16306f", "#3f8793", "#cf9422"), ("#7fa6ff", "#7cc4b6", "#f0c050"))


def along(anchors: tuple[str, str, str], place: float) -> str:
    """Return the colour at a place from 0 to 1 on a ramp of three anchors."""
    channels = zip(*(bytes.fromhex(anchor[1:]) for anchor in anchors), strict=True)
    return "#" + bytes(round(np.interp(place, (0, 0.5, 1), levels)) for levels in channels).hex()


RAMP = {f"k{i}": (along(ANCHORS[0], i / (LEVELS - 1)), along(ANCHORS[1], i / (LEVELS - 1))) for i in range(LEVELS)}
COLOURS: dict[str, tuple[str, str]] = NEUTRAL | HUES | RAMP


def light(name: str) -> str:
    """Return the colour to draw with."""
    return COLOURS[name][0]


def horizon(index: int, total: int) -> str:
    """Return the colour of horizon `index` of `total`. The nearest is dark blue, the farthest ochre."""
    return light(f"k{round(index * (LEVELS - 1) / max(total - 1, 1))}")
