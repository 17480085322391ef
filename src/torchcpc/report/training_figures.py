"""How training went: loss, accuracy and bound over steps, and the profile over horizons at the best validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from torchcpc.report import format
from torchcpc.report.metrics import Curves, Metrics
from torchcpc.report.palette import light
from torchcpc.report.panel import dashed, legend, line, mark, over_steps, panel, per_horizon, reference, shares, thin, thinned
from torchcpc.report.svg import Picture

SPLITS = {"train": "training", "valid": "validation"}
COLOURS = {"train": light("slate"), "valid": light("blue")}


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is logged at each k, with its axis and the name of what it is compared with.

    limits(axes, values, reference) sets the y axis and returns the caption's sentence on what lies outside. caption: over training
    steps, of the data of {split}; profile: over k, {when}.
    """

    name: str
    axis: str
    reference: str
    reference_label: str
    limits: Callable[[Axes, np.ndarray, np.ndarray], str]
    caption: str
    profile: str = ""


def draw(metrics: Metrics) -> list[Picture]:
    """Every picture that these metrics allow."""
    pictures = [mean_bound(metrics), profile(BOUND, metrics)]
    for split, curves in reversed(metrics.splits.items()):
        pictures += [over_training(quantity, split, curves, metrics.last) for quantity in (BOUND, ACCURACY)]
    if metrics.train is not None:
        pictures.append(over_training(LOSS, "train", metrics.train, metrics.last))
    return [*pictures, profile(ACCURACY, metrics)]


def mean_bound(metrics: Metrics) -> Picture:
    """The mean bound over k of training and validation, below its ceiling."""
    figure, axes = over_steps(y="bound, mean over k (nats)", last=metrics.last)
    for split, curves in metrics.splits.items():
        step, values = thin(curves.step, curves.mean("bound_per_k"))
        width, marker = {"train": 1.1, "valid": 2.0}[split], mark(len(step))
        line(axes, step, values, COLOURS[split], width, SPLITS[split], f"mean-{split}", marker)
    longest = max(metrics.splits.values(), key=len)
    step, ceiling = thin(longest.step, longest.mean("ceiling_per_k"))
    dashed(axes, step, ceiling, label="ceiling log N", gid="mean-ceiling")
    values = np.concatenate([curves.mean("bound_per_k") for curves in metrics.splits.values()])
    cut = _bound_limits(axes, values, ceiling)
    legend(figure, axes)
    memorised = " There is no validation line, so memorisation cannot be told from learning."
    if len(metrics.splits) == 2:
        memorised = " Training far above validation is memorisation of the training sources."
    caption = (
        "The bound log N − L on the mutual information between the context now and the representation k steps ahead. At 0 the context "
        f"says nothing. No value can pass the ceiling log N; N is the number of candidates.{memorised}{cut}{thinned(len(longest))}"
    )
    return Picture("mean-bound", "Bound during training", caption, figure)


def over_training(quantity: Quantity, split: str, curves: Curves, last: int) -> Picture:
    """A quantity over training steps, a line a horizon."""
    figure, axes = over_steps(y=quantity.axis, last=last)
    values, limit = (curves.per_k[f"{name}_per_k"] for name in (quantity.name, quantity.reference))
    per_horizon(axes, f"{quantity.name}-{split}", curves.step, values, curves.horizons)
    reference(axes, f"{quantity.name}-{split}-{quantity.reference}", curves.step, limit, quantity.reference_label)
    cut = quantity.limits(axes, values, limit)
    legend(figure, axes)
    caption = quantity.caption.format(split=SPLITS[split]) + cut + thinned(len(curves))
    return Picture(
        f"{quantity.name}-{split}", f"{quantity.name.capitalize()} per prediction step, {SPLITS[split]}", caption, figure
    )


def profile(quantity: Quantity, metrics: Metrics) -> Picture:
    """A quantity over k at the line that speaks for the run."""
    figure, axes = panel(x="prediction step k", y=quantity.axis)
    best, name = metrics.best, f"{quantity.name}-profile"
    for split, curves in metrics.splits.items():
        values = curves.per_k[f"{quantity.name}_per_k"][int(np.argmin(np.abs(curves.step - best.step)))]
        marker, width = {"train": ("s", 1.3), "valid": ("o", 1.9)}[split]
        line(axes, curves.horizons, values, COLOURS[split], width, SPLITS[split], f"{name}-{split}", marker)
    horizons, limit = best.curves.horizons, best.curves.per_k[f"{quantity.reference}_per_k"][best.at]
    dashed(axes, horizons, limit, label=quantity.reference_label, gid=name, marker=mark(len(horizons), "_", 1))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    shown = np.concatenate([np.asarray(drawn.get_ydata(), dtype=float) for drawn in axes.lines])
    cut = quantity.limits(axes, shown, shown)
    legend(figure, axes)
    when = f"at step {best.step:,}, where validation was best"
    when = when if best.split == "valid" else f"at the last logged step, {best.step:,}"
    return Picture(
        name, f"{quantity.name.capitalize()} over the prediction step", quantity.profile.format(when=when) + cut, figure
    )


def _bound_limits(axes: Axes, values: np.ndarray, ceiling: np.ndarray) -> str:
    """The y axis ends half a ceiling below zero, so that a bad start does not flatten the rest."""
    lowest, top = min(_finite(values).min(initial=0.0), 0.0), _highest(ceiling)
    limit = -0.5 * top
    axes.set_ylim(max(lowest, limit) - 0.02 * top, 1.06 * top)
    return f" Values below {format.nats(limit)} nats lie under the edge." if lowest < limit else ""


def _loss_limits(axes: Axes, values: np.ndarray, chance: np.ndarray) -> str:
    top, limit = _highest(values), 1.5 * _highest(chance)
    axes.set_ylim(0, min(max(top, limit / 1.5) * 1.06, limit))
    return f" Values above {format.nats(limit)} nats lie over the edge." if top > limit else ""


def _share_limits(axes: Axes, values: np.ndarray, chance: np.ndarray) -> str:
    shares(axes)
    return ""


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def _highest(values: np.ndarray) -> float:
    finite = _finite(values)
    return float(finite.max()) if len(finite) else 1.0


BOUND = Quantity(
    "bound",
    "bound log N − L (nats)",
    "ceiling",
    "ceiling log N",
    _bound_limits,
    "One line for each prediction step k, {split} data. Higher is better. A line close to the dashed ceiling log N can no longer grow, "
    "whatever the context knows.",
    "How far ahead the context predicts, {when}. The fall with k shows how fast the past stops to inform about the future. A profile flat "
    "along the ceiling asks for more candidates.",
)
ACCURACY = Quantity(
    "accuracy",
    "accuracy (%)",
    "chance",
    "chance 1/N",
    _share_limits,
    "How often the true step scores highest among the N candidates, {split} data. The dashed line is guessing.",
    "The share of contexts whose true step scored highest, {when}. The dashed line is guessing.",
)
LOSS = Quantity(
    "loss",
    "loss L (nats)",
    "ceiling",
    "chance log N",
    _loss_limits,
    "The objective on {split} data; lower is better. A model that scores all candidates alike has the loss log N (dashed). A line above it "
    "is worse than guessing.",
)
