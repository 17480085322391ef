"""How training went: loss, accuracy and bound over steps, and the profile over horizons at the best validation."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from torchcpc.report import format
from torchcpc.report.metrics import Curves, Metrics
from torchcpc.report.palette import light
from torchcpc.report.panel import DASHES, legend, mark, over_steps, panel, per_horizon, reference, shares, thin, thinned
from torchcpc.report.svg import Picture

SPLITS = {"train": "training", "valid": "validation"}


def best(valid: Curves) -> int:
    """The line with the highest mean bound; a line that holds a NaN is never the best, unless all do."""
    bound = valid.mean("bound_per_k")
    return int(np.argmax(np.where(np.isfinite(bound), bound, -np.inf)))


def nearest(curves: Curves, step: int) -> int:
    """The line whose step is nearest."""
    return int(np.argmin(np.abs(curves.step - step)))


def draw(metrics: Metrics) -> list[Picture]:
    """Every picture that these metrics allow."""
    both = {split: curves for split, curves in (("train", metrics.train), ("valid", metrics.valid)) if curves is not None}
    pictures = [mean_bound(both, metrics.last), profile(both)]
    for split in reversed(both):
        pictures.append(bound(split, both[split], metrics.last))
        pictures.append(accuracy(split, both[split], metrics.last))
    if metrics.train is not None:
        pictures.append(loss(metrics.train, metrics.last))
    return [*pictures, accuracy_profile(both)]


def floor(axes: Axes, lowest: float, ceiling: float) -> str:
    """Cut the y axis half a ceiling below zero, so that a bad start does not flatten all that follows; say so if it did."""
    limit = -0.5 * ceiling
    axes.set_ylim(max(min(lowest, 0.0), limit) - 0.02 * ceiling, 1.06 * ceiling)
    return f" Values below {format.nats(limit)} nats lie under the edge." if lowest < limit else ""


def extent(values: np.ndarray, otherwise: float, *, low: bool) -> float:
    """The lowest or highest finite value."""
    finite = values[np.isfinite(values)]
    return otherwise if not len(finite) else float(finite.min() if low else finite.max())


def mean_bound(both: dict[str, Curves], last: int) -> Picture:
    figure, axes = over_steps(y="bound, mean over k (nats)", last=last)
    looks = {"train": (light("slate"), 1.1, "training"), "valid": (light("blue"), 2.0, "validation")}
    for split, curves in both.items():
        colour, width, name = looks[split]
        step, values = thin(curves.step, curves.mean("bound_per_k"))
        axes.plot(
            step, values, color=colour, linewidth=width, label=name, gid=f"mean-{split}", marker=mark(len(step)), markersize=3.5
        )
    longest = max(both.values(), key=len)
    step, ceiling = thin(longest.step, longest.mean("ceiling_per_k"))
    axes.plot(step, ceiling, color=light("ink"), linestyle=DASHES, linewidth=1.2, label="ceiling log N", gid="mean-ceiling")
    lowest = min(extent(curves.mean("bound_per_k"), 0.0, low=True) for curves in both.values())
    cut = floor(axes, lowest, extent(ceiling, 1.0, low=False))
    legend(figure, axes)
    apart = (
        " Training running away from validation is memorisation of the training sources."
        if len(both) == 2
        else " There is no validation line, so memorisation cannot be told from learning."
    )
    caption = (
        "The bound log N − L on the mutual information between the context now and the representation k steps ahead. 0 means "
        "the context says nothing; no value can pass the ceiling log N, N being the number of candidates." + apart + cut
    )
    return Picture("mean-bound", "Bound during training", caption + thinned(len(longest)), figure)


def bound(split: str, curves: Curves, last: int) -> Picture:
    figure, axes = over_steps(y="bound log N − L (nats)", last=last)
    values, ceiling = curves.per_k["bound_per_k"], curves.per_k["ceiling_per_k"]
    per_horizon(axes, f"bound-{split}", curves.step, values, curves.horizons)
    reference(axes, f"ceiling-{split}", curves.step, ceiling, "ceiling log N")
    cut = floor(axes, extent(values, 0.0, low=True), extent(ceiling, 1.0, low=False))
    legend(figure, axes)
    caption = (
        f"One line for each prediction step k, {SPLITS[split]} data. Higher is better; a line close to the dashed ceiling "
        "log N can no longer grow, whatever the context knows." + cut + thinned(len(curves))
    )
    return Picture(f"bound-{split}", f"Bound per prediction step, {SPLITS[split]}", caption, figure)


def accuracy(split: str, curves: Curves, last: int) -> Picture:
    figure, axes = over_steps(y="accuracy (%)", last=last)
    per_horizon(axes, f"accuracy-{split}", curves.step, curves.per_k["accuracy_per_k"], curves.horizons)
    reference(axes, f"chance-{split}", curves.step, curves.per_k["chance_per_k"], "chance 1/N")
    shares(axes)
    legend(figure, axes)
    caption = (
        f"How often the true step scores highest among the N candidates, {SPLITS[split]} data. Guessing would be right as "
        "often as the dashed line says." + thinned(len(curves))
    )
    return Picture(f"accuracy-{split}", f"Accuracy per prediction step, {SPLITS[split]}", caption, figure)


def loss(curves: Curves, last: int) -> Picture:
    figure, axes = over_steps(y="loss L (nats)", last=last)
    values, ceiling = curves.per_k["loss_per_k"], curves.per_k["ceiling_per_k"]
    per_horizon(axes, "loss", curves.step, values, curves.horizons)
    reference(axes, "loss-chance", curves.step, ceiling, "chance log N")
    top, limit = extent(values, 1.0, low=False), 1.5 * extent(ceiling, 1.0, low=False)
    axes.set_ylim(0, min(max(top, limit / 1.5) * 1.06, limit))
    cut = f" Values above {format.nats(limit)} nats lie over the edge." if top > limit else ""
    legend(figure, axes)
    caption = (
        "The training objective, lower is better. A model that scores all candidates alike has the loss log N (dashed); a "
        "line above it is worse than guessing." + cut + thinned(len(curves))
    )
    return Picture("loss", "Loss per prediction step, training", caption, figure)


def over_horizons(both: dict[str, Curves], key: str, y: str, dashed: str, label: str) -> tuple[Picture, Axes, str]:
    """A quantity over k where validation was best (without validation: at the last line), beside a dashed reference."""
    figure, axes = panel(x="prediction step k", y=y)
    last = both.get("valid") or both["train"]
    at = best(last) if "valid" in both else len(last) - 1
    step = int(last.step[at])
    looks = {"train": (light("slate"), "s", 1.3), "valid": (light("blue"), "o", 1.9)}
    for split, curves in both.items():
        colour, marker, width = looks[split]
        values = curves.per_k[key][nearest(curves, step)]
        axes.plot(
            curves.horizons,
            values,
            color=colour,
            marker=marker,
            markersize=4,
            linewidth=width,
            label=SPLITS[split],
            gid=f"profile-{key}-{split}",
        )
    axes.plot(
        last.horizons,
        last.per_k[dashed][at],
        color=light("ink"),
        linestyle=DASHES,
        linewidth=1.2,
        marker=mark(len(last.horizons), "_", 1),
        label=label,
        gid=f"profile-{dashed}",
    )
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    when = f"at step {step:,}, where validation was best" if "valid" in both else f"at the last logged step, {step:,}"
    return Picture(f"profile-{key}", "", "", figure), axes, when


def profile(both: dict[str, Curves]) -> Picture:
    picture, axes, when = over_horizons(both, "bound_per_k", "bound log N − L (nats)", "ceiling_per_k", "ceiling log N")
    drawn = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axes.lines])
    cut = floor(axes, extent(drawn, 0.0, low=True), extent(drawn, 1.0, low=False))
    legend(picture.figure, axes)
    caption = (
        f"How far ahead the context predicts, {when}. The fall with k shows how fast the past loses its hold on the future; "
        "a profile flat along the ceiling asks for more candidates." + cut
    )
    return Picture(picture.name, "Bound over the prediction step", caption, picture.figure)


def accuracy_profile(both: dict[str, Curves]) -> Picture:
    picture, axes, when = over_horizons(both, "accuracy_per_k", "accuracy (%)", "chance_per_k", "chance 1/N")
    shares(axes)
    legend(picture.figure, axes)
    caption = f"The share of contexts whose true step scored highest, {when}. The dashed line is what guessing would reach."
    return Picture(picture.name, "Accuracy over the prediction step", caption, picture.figure)
