"""Figures of the training: bound and accuracy over updates and horizons, effective ranks and gradient norm."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from torchcpc.report.fitted_axis import fit_bound, fit_shares
from torchcpc.report.metrics import Curves, Line, LoggedMetrics, candidates
from torchcpc.report.palette import light
from torchcpc.report.panel import dashed, legend, line, mark, over_steps, panel, per_horizon, thin, thinned
from torchcpc.report.svg import PageFigure

# For each split: its name, the colour and the width of its line, and its marker.
SPLITS = {"train": ("training", light("slate"), 1.3, "s"), "valid": ("validation", light("blue"), 1.9, "o")}
_NEVER_ABOVE = "No value can exceed the ceiling log N of its data"


def draw(metrics: LoggedMetrics) -> list[PageFigure]:
    """Return the two main figures. Before the first logged line there are none."""
    return [] if metrics.best is None else [mean_bound(metrics), bound_profile(metrics, metrics.best)]


def details(metrics: LoggedMetrics) -> list[PageFigure]:
    """Return the figures for each horizon: the bound over updates, and the accuracy."""
    return [] if metrics.best is None else [bound_per_k(metrics, metrics.best), accuracy_profile(metrics, metrics.best)]


def mean_bound(metrics: LoggedMetrics) -> PageFigure:
    """Draw the mean bound over k of training and validation, each with its ceiling."""
    figure, axes = over_steps(y="bound, mean over k (nats)", last=metrics.last)
    means = {split: curves.mean("bound_per_k") for split, curves in metrics.splits.items()}
    cut = fit_bound(axes, list(means.values()), [(SPLITS[split][0], _ceiling(own)) for split, own in metrics.splits.items()])
    for split, curves in metrics.splits.items():
        name, colour, width, marker = SPLITS[split]
        step, values = thin(curves.step, means[split])
        line(axes, step, values, colour, width, name, f"mean-{split}", mark(len(step), marker))
        if _ceiling(curves) <= axes.get_ylim()[1]:
            step, ceiling = thin(curves.step, curves.mean("ceiling_per_k"))
            own = {"label": f"ceiling, {name}", "gid": f"mean-ceiling-{split}", "marker": mark(len(step), "_", 1)}
            dashed(axes, step, ceiling, colour=colour, **own)
    legend(figure, axes)
    memorised = " Without a validation line, memorisation cannot be distinguished from learning."
    if len(metrics.splits) == 2:
        memorised = " If training is far above validation, the model memorises the training sources."
    if metrics.train is None:
        memorised = ""
    longest = max(metrics.splits.values(), key=len)
    caption = (
        f"The bound log N − L. At 0 the context says nothing about the steps ahead. {_NEVER_ABOVE} ({sizes(metrics)})."
        f"{memorised}{cut}{thinned(len(longest))}"
    )
    return PageFigure("mean-bound", "Bound during training", caption, figure)


def sizes(metrics: LoggedMetrics) -> str:
    """Return the number of candidates N in each split, in words."""
    found = {
        SPLITS[split][0]: candidates(_ceiling(own), _mean(own.per_k["chance_per_k"])) for split, own in metrics.splits.items()
    }
    if len(set(found.values())) == 1:
        return f"N = {next(iter(found.values()))}"
    return "N = " + ", ".join(f"{number} in {name}" for name, number in found.items())


def bound_profile(metrics: LoggedMetrics, best: Line) -> PageFigure:
    """Draw the bound over k at the best line, for training and validation, each with its ceiling."""
    figure, axes = panel(x="prediction step k", y="bound log N − L (nats)")
    at = {split: _nearest(curves, best.step) for split, curves in metrics.splits.items()}
    drawn = {split: metrics.splits[split].per_k["bound_per_k"][place] for split, place in at.items()}
    limits = {split: metrics.splits[split].per_k["ceiling_per_k"][place] for split, place in at.items()}
    cut = fit_bound(axes, list(drawn.values()), [(SPLITS[split][0], _mean(own)) for split, own in limits.items()])
    for split, values in drawn.items():
        label, colour, width, marker = SPLITS[split]
        line(axes, best.curves.horizons, values, colour, width, label, f"bound-profile-{split}", marker)
        if _mean(limits[split]) <= axes.get_ylim()[1]:
            of = {"label": f"ceiling, {label}", "gid": f"bound-profile-ceiling-{split}", "marker": "_"}
            dashed(axes, best.curves.horizons, limits[split], colour=colour, **of)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    legend(figure, axes)
    caption = (
        f"How far ahead the context predicts, {_when(best)}. The fall with k shows how fast the past loses its information about the "
        f"future. If a line stays at its ceiling, use more candidates.{cut}"
    )
    return PageFigure("bound-profile", "Bound over the prediction step", caption, figure)


def bound_per_k(metrics: LoggedMetrics, best: Line) -> PageFigure:
    """Draw the bound over updates, with one line for each horizon."""
    curves, name = best.curves, SPLITS[best.split][0]
    figure, axes = over_steps(y="bound log N − L (nats)", last=metrics.last)
    values = curves.per_k["bound_per_k"]
    cut = fit_bound(axes, [values], [(name, _ceiling(curves))])
    per_horizon(axes, f"bound-{best.split}", curves.step, values, curves.horizons)
    step, limits = thin(curves.step, curves.per_k["ceiling_per_k"])
    if _ceiling(curves) <= axes.get_ylim()[1]:
        # If the ceiling differs between horizons, its lowest and its highest value are drawn.
        low, high = np.fmin.reduce(limits, axis=1), np.fmax.reduce(limits, axis=1)
        same, marker = np.allclose(low, high, rtol=1e-6, equal_nan=True), mark(len(step), "_", 1)
        dashed(axes, step, high, label="ceiling log N" if same else "ceiling (range over k)", gid="bound-high", marker=marker)
        if not same:
            dashed(axes, step, low, gid="bound-low", marker=marker)
    legend(figure, axes)
    caption = f"One line for each prediction step k, on {name} data. Higher is better.{cut}{thinned(len(curves))}"
    return PageFigure(f"bound-{best.split}", f"Bound per prediction step, {name}", caption, figure)


def accuracy_profile(metrics: LoggedMetrics, best: Line) -> PageFigure:
    """Draw accuracy over k at the best line, for training and validation, each with its chance level."""
    figure, axes = panel(x="prediction step k", y="accuracy (%)")
    curves = []
    for split, own in metrics.splits.items():
        label, colour, width, marker = SPLITS[split]
        values, chance = (own.per_k[f"{name}_per_k"][_nearest(own, best.step)] for name in ("accuracy", "chance"))
        curves += [values, chance]
        line(axes, own.horizons, values, colour, width, label, f"accuracy-profile-{split}", marker)
        of = {"label": f"chance, {label}", "gid": f"accuracy-profile-chance-{split}", "marker": mark(len(chance), "_", 1)}
        dashed(axes, own.horizons, chance, colour=colour, **of)
    fit_shares(axes, curves)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    legend(figure, axes)
    caption = (
        f"The share of contexts whose true step scored highest, {_when(best)}. Dashed lines are chance, 1/N ({sizes(metrics)})."
    )
    return PageFigure("accuracy-profile", "Accuracy over the prediction step", caption, figure)


def health(metrics: LoggedMetrics) -> list[PageFigure]:
    """Draw the effective ranks of z and c and the norm of the gradient, as far as they were logged."""
    pictures, train, valid = [], metrics.train, metrics.valid
    if valid is not None and any(np.isfinite(valid.single[name]).any() for name in ("rank_z", "rank_c")):
        figure, axes = over_steps(y="effective rank (dimensions)", last=metrics.last)
        for name, colour, marker, label in (("rank_z", "orange", "s", "steps z"), ("rank_c", "blue", "o", "contexts c")):
            step, values = thin(valid.step, valid.single[name])
            line(axes, step, values, light(colour), 1.6, label, name, mark(len(step), marker))
        axes.set_ylim(0, 1.06 * max(_highest(valid.single[name]) for name in ("rank_z", "rank_c")))
        legend(figure, axes)
        caption = (
            "The number of directions that the representation uses, on validation data. A fall towards 1 is collapse: all inputs get "
            "the same representation, and the bound goes to 0." + thinned(len(valid))
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
            "The length of the gradient before clipping, on a logarithmic axis. If it jumps by a factor of ten or climbs steadily, use a "
            "smaller learning rate." + thinned(len(train))
        )
        pictures.append(PageFigure("gradient", "Gradient norm", caption, figure))
    return pictures


def _decades(axes: Axes, values: np.ndarray) -> None:
    """Set a logarithmic y axis over at least one decade, so that a flat line looks flat."""
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


def _nearest(curves: Curves, step: int) -> int:
    return int(np.argmin(np.abs(curves.step - step)))


def _when(best: Line) -> str:
    if best.split == "valid":
        return f"at step {best.step:,}, where validation was best"
    return f"at the last logged step, {best.step:,}"


def _ceiling(curves: Curves) -> float:
    return _mean(curves.per_k["ceiling_per_k"])


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else math.nan


def _highest(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) else 1.0
