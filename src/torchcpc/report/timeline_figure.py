"""How expected each step of one source was, from its beginning to its end, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from torchcpc.contracts import CPCError
from torchcpc.report import format
from torchcpc.report.palette import horizon, light
from torchcpc.report.panel import DASHES, HORIZON, legend, panel, thin
from torchcpc.report.svg import Picture

# More marks than this would cover the lines, more names each other.
_MOST_MARKS, _MOST_NAMES, _MOST_POINTS = 120, 14, 800


def draw(path: Path, content: Mapping[str, Any]) -> Picture:
    """The picture of course.json. Raises CPCError naming the file where it is not what `cpc course` writes."""
    try:
        return picture(content)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CPCError(f"{path} is not the course of a source ({error!r}): write it again with cpc course RUN") from error


def picture(content: Mapping[str, Any]) -> Picture:
    """content: source, unit (of a step), smooth (steps), horizons, pmi (a list a horizon, None where nothing is predicted), marks
    [(step, name)], and shuffled: None, or first, last, pmi, ordered_mean, shuffled_mean, error (a number a horizon)."""
    horizons, shuffled = content["horizons"], content["shuffled"]
    figure, axes = panel(x=f"{content['unit']} of {format.printable(content['source'])}", y="PMI (nats)", width=7.2, height=3.4)
    axes.axhline(0, color=light("ink"), linestyle=DASHES, linewidth=1.2)
    if shuffled:
        axes.axvspan(shuffled["first"], shuffled["last"], color=light("rule"), linewidth=0, gid="course-shuffled")
    for i in reversed(range(len(horizons))):
        k, colour = horizons[i], horizon(i, len(horizons))
        steps, values = thin(*_known(content["pmi"][i]), most=_MOST_POINTS)
        axes.plot(steps, values, color=colour, label=f"{HORIZON}{k}", gid=f"course-k{k}", linewidth=1.3)
        if shuffled:
            steps, values = thin(*_known(shuffled["pmi"][i]), most=_MOST_POINTS)
            inside = (steps >= shuffled["first"]) & (steps < shuffled["last"])
            axes.plot(
                steps[inside], values[inside], color=colour, linestyle=(0, (2, 1.5)), linewidth=1.3, gid=f"course-shuffled-k{k}"
            )
    marks = content["marks"][:: -(-len(content["marks"]) // _MOST_MARKS) or 1]
    for step, _ in marks:
        axes.axvline(step, color=light("muted"), linewidth=0.6, alpha=0.7, zorder=0)
    named = marks[:: -(-len(marks) // _MOST_NAMES) or 1]
    for step, name in named:
        axes.annotate(
            format.label(name, 12),
            (step, 1),
            xycoords=("data", "axes fraction"),
            xytext=(2, -2),
            textcoords="offset points",
            rotation=90,
            va="top",
            ha="left",
            fontsize=6.5,
            color=light("muted"),
        )
    axes.set_xlim(0, len(content["pmi"][0]))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    legend(figure, axes)
    return Picture("course", "How expected each step was", caption(content), figure, wide=True)


def caption(content: Mapping[str, Any]) -> str:
    """What the lines are, and what shuffling cost."""
    words = (
        f"PMI of each {content['unit']} given all before, as predicted k steps earlier; mean of {content['smooth']} neighbours. At 0 the "
        "context told nothing, below it misled; a dip is a surprise."
    )
    if content["marks"]:
        words += f" Upright lines are {format.plural(len(content['marks']), 'heading')}"
        words += ", not all of which are drawn." if len(content["marks"]) > _MOST_MARKS else "."
    if shuffled := content["shuffled"]:
        each = "; ".join(
            f"k = {k}: {format.nats(ordered)} in order, {format.nats(mixed)} shuffled (difference {format.nats(ordered - mixed)}, standard "
            f"error {format.nats(error)})"
            for k, ordered, mixed, error in zip(
                content["horizons"], shuffled["ordered_mean"], shuffled["shuffled_mean"], shuffled["error"], strict=True
            )
        )
        words += f" In the shaded stretch the dashed lines are the same {content['unit']}s in a random order. Mean there, nats: {each}."
    return words


def _known(values: list[float | None]) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(len(values)), np.array([np.nan if value is None else value for value in values], dtype=float)
