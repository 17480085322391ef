"""How training went: bound, accuracy and loss over steps and over horizons; signs of trouble in the ranks and the gradient."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from torchcpc.report import format
from torchcpc.report.metrics import LoggedMetrics
from torchcpc.report.palette import light
from torchcpc.report.panel import dashed, legend, line, mark, over_steps, panel, per_horizon, shares, thin, thinned
from torchcpc.report.svg import PageFigure

# Split -> its name, the colour and the width of its line, and its marker.
SPLITS = {"train": ("training", light("slate"), 1.3, "s"), "valid": ("validation", light("blue"), 1.9, "o")}


class Quantity(NamedTuple):
    """What is logged at each k, with its axis and the name of what it is compared with.

    limits(axes, values, reference) sets the y axis and returns the caption's sentence on what lies outside. caption: over training steps,
    of the data of {split}; profile: over k, {when}."""

    name: str
    axis: str
    reference: str
    reference_label: str
    limits: Callable[[Axes, np.ndarray, np.ndarray], str]
    caption: str
    profile: str = ""


def draw(metrics: LoggedMetrics) -> list[PageFigure]:
    """Every picture of learning that these metrics allow."""
    pictures = [mean_bound(metrics), profile(BOUND, metrics)]
    pictures += [
        over_training(quantity, split, metrics) for split in reversed(metrics.splits) for quantity in (BOUND, ACCURACY)
    ]
    losses = [over_training(LOSS, "train", metrics)] if metrics.train is not None else []
    return [*pictures, *losses, profile(ACCURACY, metrics)]


def mean_bound(metrics: LoggedMetrics) -> PageFigure:
    """The mean bound over k of training and validation, below its ceiling."""
    figure, axes = over_steps(y="bound, mean over k (nats)", last=metrics.last)
    for split, curves in metrics.splits.items():
        name, colour, width, marker = SPLITS[split]
        step, values = thin(curves.step, curves.mean("bound_per_k"))
        line(axes, step, values, colour, width, name, f"mean-{split}", mark(len(step), marker))
    longest = max(metrics.splits.values(), key=len)
    step, ceiling = thin(longest.step, longest.mean("ceiling_per_k"))
    dashed(axes, step, ceiling, label="ceiling log N", gid="mean-ceiling")
    cut = _bound_limits(axes, np.concatenate([curves.mean("bound_per_k") for curves in metrics.splits.values()]), ceiling)
    legend(figure, axes)
    memorised = " There is no validation line, so memorisation cannot be told from learning."
    if len(metrics.splits) == 2:
        memorised = " Training far above validation is memorisation of the training sources."
    caption = (
        "The bound log N − L on the mutual information between the context now and the representation k steps ahead. At 0 the context "
        f"says nothing. No value can pass the ceiling log N; N is the number of candidates.{memorised}{cut}{thinned(len(longest))}"
    )
    return PageFigure("mean-bound", "Bound during training", caption, figure)


def over_training(quantity: Quantity, split: str, metrics: LoggedMetrics) -> PageFigure:
    """A quantity over training steps, a line a horizon."""
    figure, axes = over_steps(y=quantity.axis, last=metrics.last)
    curves, name, of_split = metrics.splits[split], f"{quantity.name}-{split}", SPLITS[split][0]
    values, limit = (curves.per_k[f"{each}_per_k"] for each in (quantity.name, quantity.reference))
    per_horizon(axes, name, curves.step, values, curves.horizons)
    # The reference, too, where it is not the same at all horizons that were measured: its lowest and its highest.
    step, limits = thin(curves.step, limit)
    low, high = np.fmin.reduce(limits, axis=1), np.fmax.reduce(limits, axis=1)
    same, marker = np.allclose(low, high, rtol=1e-6, equal_nan=True), mark(len(step), "_", 1)
    label = quantity.reference_label if same else f"{quantity.reference_label} (range over k)"
    dashed(axes, step, high, label=label, gid=f"{name}-{quantity.reference}-high", marker=marker)
    if not same:
        dashed(axes, step, low, gid=f"{name}-{quantity.reference}-low", marker=marker)
    cut = quantity.limits(axes, values, limit)
    legend(figure, axes)
    caption = quantity.caption.format(split=of_split) + cut + thinned(len(curves))
    return PageFigure(name, f"{quantity.name.capitalize()} per prediction step, {of_split}", caption, figure)


def profile(quantity: Quantity, metrics: LoggedMetrics) -> PageFigure:
    """A quantity over k at the line that speaks for the run."""
    figure, axes = panel(x="prediction step k", y=quantity.axis)
    best, name = metrics.best, f"{quantity.name}-profile"
    for split, curves in metrics.splits.items():
        values = curves.per_k[f"{quantity.name}_per_k"][int(np.argmin(np.abs(curves.step - best.step)))]
        label, colour, width, marker = SPLITS[split]
        line(axes, curves.horizons, values, colour, width, label, f"{name}-{split}", marker)
    horizons, limit = best.curves.horizons, best.curves.per_k[f"{quantity.reference}_per_k"][best.at]
    dashed(axes, horizons, limit, label=quantity.reference_label, gid=name, marker=mark(len(horizons), "_", 1))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    shown = np.concatenate([np.asarray(drawn.get_ydata(), dtype=float) for drawn in axes.lines])
    cut = quantity.limits(axes, shown, shown)
    legend(figure, axes)
    valid = best.split == "valid"
    when = f"at step {best.step:,}, where validation was best" if valid else f"at the last logged step, {best.step:,}"
    caption = quantity.profile.format(when=when) + cut
    return PageFigure(name, f"{quantity.name.capitalize()} over the prediction step", caption, figure)


def health(metrics: LoggedMetrics) -> list[PageFigure]:
    """The effective ranks of z and c and the norm of the gradient, where they were logged."""
    pictures, train, valid = [], metrics.train, metrics.valid
    if valid is not None and any(np.isfinite(valid.single[name]).any() for name in ("rank_z", "rank_c")):
        figure, axes = over_steps(y="effective rank (dimensions)", last=metrics.last)
        for name, colour, marker, label in (("rank_z", "orange", "s", "steps z"), ("rank_c", "blue", "o", "contexts c")):
            step, values = thin(valid.step, valid.single[name])
            line(axes, step, values, light(colour), 1.6, label, name, mark(len(step), marker))
        axes.set_ylim(0, 1.06 * max(_highest(valid.single[name]) for name in ("rank_z", "rank_c")))
        legend(figure, axes)
        caption = (
            "How many directions the representation uses, on validation data. A fall towards 1 is collapse: all inputs look alike and "
            "the bound goes to 0. It cannot exceed the number of dimensions." + thinned(len(valid))
        )
        pictures.append(PageFigure("ranks", "Effective rank of z and c", caption, figure))
    if train is None:
        return pictures
    step, norm = thin(train.step, train.single["gradient_norm"])
    positive = np.isfinite(norm) & (norm > 0)
    if positive.any():
        figure, axes = over_steps(y="gradient norm", last=metrics.last)
        line(axes, step, np.where(positive, norm, np.nan), light("slate"), 1.2, gid="gradient_norm", marker=mark(len(step)))
        _decades(axes, norm[positive])
        caption = (
            "The length of the gradient before clipping, on a logarithmic axis. Jumps of a factor of ten, or a steady climb, ask for a "
            "smaller learning rate." + thinned(len(train))
        )
        pictures.append(PageFigure("gradient", "Gradient norm", caption, figure))
    return pictures


def _decades(axes: Axes, values: np.ndarray) -> None:
    """A logarithmic y axis over at least one decade around positive values, so that a flat line looks flat."""
    low, high = float(values.min()), float(values.max())
    spare = max(1.15, math.sqrt(10 / (high / low)))
    low, high = low / spare, high * spare
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    leads = (1, 2, 5) if high / low < 1000 else (1,)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [lead * 10.0**exponent for exponent in exponents for lead in leads if low <= lead * 10.0**exponent <= high]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.yaxis.set_minor_locator(NullLocator())


def _bound_limits(axes: Axes, values: np.ndarray, ceiling: np.ndarray) -> str:
    """The y axis ends half a ceiling below zero, so that a bad start does not flatten the rest."""
    lowest, top = values[np.isfinite(values)].min(initial=0.0), _highest(ceiling)
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


def _highest(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) else 1.0


BOUND = Quantity(
    *("bound", "bound log N − L (nats)", "ceiling", "ceiling log N", _bound_limits),
    "One line for each prediction step k, {split} data. Higher is better. A line close to the dashed ceiling log N can no longer grow, "
    "whatever the context knows.",
    "How far ahead the context predicts, {when}. The fall with k shows how fast the past stops to inform about the future. A profile flat "
    "along the ceiling asks for more candidates.",
)
ACCURACY = Quantity(
    *("accuracy", "accuracy (%)", "chance", "chance 1/N", _share_limits),
    "How often the true step scores highest among the N candidates, {split} data. The dashed line is guessing.",
    "The share of contexts whose true step scored highest, {when}. The dashed line is guessing.",
)
LOSS = Quantity(
    *("loss", "loss L (nats)", "ceiling", "chance log N", _loss_limits),
    "The objective on {split} data; lower is better. A model that scores all candidates alike has the loss log N (dashed). A line above it "
    "is worse than guessing.",
)
