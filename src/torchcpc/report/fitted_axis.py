"""Axes that fit the data: a reference far away (a ceiling, chance) is told above the axes in place of flattening the curves."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from torchcpc.report import format
from torchcpc.report.palette import light

# A reference is drawn where the data still fill half of the axis beside it.
_NEAR = 2.0
# What nobody could read from an axis.
_SMALLEST = 1e-6
# What fits above the axes of the narrowest figure.
_LETTERS = 40


def fit_bound(axes: Axes, curves: Sequence[np.ndarray], ceilings: Sequence[tuple[str, float]]) -> str:
    """The y axis of bounds in nats: from 0, or below where many values are, to the highest value, or to a ceiling that is near. ceilings:
    (whose, nats). Returns the caption's sentence on values under the edge."""
    values = _finite(curves)
    lowest, highest = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    # A bad start must not flatten the rest: most values are seen, and half as far below zero as above it.
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
    """The y axis of shares, in percent, from 0 to the highest of all curves."""
    values = _finite(curves)
    highest = float(values.max(initial=0.0)) or 1.0
    axes.set_ylim(0, 1.02 if highest > 0.9 else 1.08 * highest)
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g}")


def range_of(values: Sequence[float], *, least: float) -> tuple[float, float]:
    """The lowest and the highest finite value, at least `least` apart; 0 and `least` where there is none."""
    found = _finite([np.asarray(values, dtype=float)])
    low, high = (float(found.min()), float(found.max())) if len(found) else (0.0, least)
    spare = max(0.0, least - (high - low)) / 2
    return low - spare, high + spare


def tell_far(axes: Axes, name: str, values: Sequence[tuple[str, str]], where: str) -> None:
    """A line above the axes that tells of a reference outside them. values: (whose, its value); where: "above", "below" or "left of"."""
    if values:
        arrow = {"above": "↑", "below": "↓", "left of": "←"}[where]
        told = ", ".join(f"{value} ({whose})" if whose else value for whose, value in dict.fromkeys(values))
        line = format.lines(f"{arrow} {name} = {told}, {where} the axis", _LETTERS)
        axes.set_title(line, loc="left", fontsize=8, color=light("muted"))


def _finite(curves: Sequence[np.ndarray]) -> np.ndarray:
    values = np.concatenate([np.asarray(curve, dtype=float).ravel() for curve in curves]) if len(curves) else np.zeros(0)
    return values[np.isfinite(values)]
