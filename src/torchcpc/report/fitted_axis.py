"""Axes that fit the data.

A reference that is far away, such as a ceiling, is written above the axes. Otherwise it would flatten the curves.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from torchcpc.report import format
from torchcpc.report.palette import light

# A reference is drawn if the data still fill half of the axis.
_NEAR = 2.0
# A smaller range cannot be read from an axis.
_SMALLEST = 1e-6
# This many letters fit above the axes of the narrowest figure.
_LETTERS = 40


def fit_bound(axes: Axes, curves: Sequence[np.ndarray], ceilings: Sequence[tuple[str, float]]) -> str:
    """Set the y axis of bounds in nats.

    It begins at 0, or lower if many values are. It ends at the highest value, or at a ceiling that is near.

    Args:
        axes: The axes.
        curves: The values.
        ceilings: The name and the value of each ceiling.

    Returns:
        A sentence for the caption if some values are below the edge, else "".
    """
    values = _finite(curves)
    lowest, highest = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    # A bad start must not flatten the rest. Most values are shown, and at least half as far below zero as above it.
    usual = float(np.quantile(values, 0.25)) if len(values) else 0.0
    floor = max(lowest, min(-0.5 * highest, 1.5 * min(usual, 0.0)))
    near = [value for _, value in ceilings if np.isfinite(value) and value <= _NEAR * highest]
    top = max([highest, *near, _SMALLEST if floor else 1.0 if highest <= 0 else highest])
    spare = 0.06 * (top - floor)
    axes.set_ylim(floor - spare * (floor < 0), top + spare)
    far = [(whose, value) for whose, value in ceilings if value > top]
    tell_far(axes, "ceiling log N", [(whose, format.nats(value)) for whose, value in far], "above")
    return f" Values below {format.nats(floor)} nats lie under the edge." if lowest < floor else ""


def fit_shares(axes: Axes, curves: Sequence[np.ndarray]) -> None:
    """Set the y axis of shares, in percent, from 0 to the highest value."""
    values = _finite(curves)
    highest = float(values.max(initial=0.0)) or 1.0
    axes.set_ylim(0, 1.02 if highest > 0.9 else 1.08 * highest)
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g}")


def range_of(values: Sequence[float], *, least: float) -> tuple[float, float]:
    """Return the lowest and the highest finite value, at least `least` apart. Without a value, return 0 and `least`."""
    found = _finite([np.asarray(values, dtype=float)])
    low, high = (float(found.min()), float(found.max())) if len(found) else (0.0, least)
    spare = max(0.0, least - (high - low)) / 2
    return low - spare, high + spare


def tell_far(axes: Axes, name: str, values: Sequence[tuple[str, str]], where: str) -> None:
    """Write a reference that lies outside the axes above them.

    Args:
        axes: The axes.
        name: The name of the reference.
        values: Whose reference it is, and its value.
        where: "above", "below" or "left of".
    """
    if values:
        arrow = {"above": "↑", "below": "↓", "left of": "←"}[where]
        shown = ", ".join(f"{value} ({whose})" if whose else value for whose, value in dict.fromkeys(values))
        line = format.lines(f"{arrow} {name} = {shown}, {where} the axis", _LETTERS)
        axes.set_title(line, loc="left", fontsize=8, color=light("muted"))


def _finite(curves: Sequence[np.ndarray]) -> np.ndarray:
    values = np.concatenate([np.asarray(curve, dtype=float).ravel() for curve in curves]) if len(curves) else np.zeros(0)
    return values[np.isfinite(values)]
