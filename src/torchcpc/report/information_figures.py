"""Figures of calibrated scores: information per step, calibration, peaks and plateaus, and one source in time."""

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from torchcpc.information.result import Checks, InformationTable, Profile, Timeline
from torchcpc.report import format
from torchcpc.report.fitted_axis import fit_bound
from torchcpc.report.palette import horizon, light
from torchcpc.report.panel import DASHES, WIDE, dashed, legend, line, panel, per_horizon
from torchcpc.report.svg import PageFigure

SHAPES = "os^Dv"
# The limits of a timeline. More marks would cover the lines, and more names would cover each other.
_MOST_MARKS, _MOST_NAMES, _MOST_POINTS = 120, 14, 800


def draw(table: InformationTable) -> list[PageFigure]:
    """Draw every figure that the table allows. There may be none."""
    checks = [(row.k, row.checks) for row in table.rows if row.checks]
    pictures = [per_step(table)] if table.rows else []
    if checks:
        pictures.append(reliability(checks))
    return [*pictures, profiles(table.profiles, table.profile_k)] if table.profiles else pictures


def per_step(table: InformationTable) -> PageFigure:
    """Draw mean PMI and InfoNCE bound over k, with the ceiling and, if it is known, the truth."""
    rows = table.rows
    k = np.array([row.k for row in rows], dtype=float)
    figure, axes = panel(x="steps ahead k", y="nats")
    shift = 0.06 * max(1.0, (k[-1] - k[0]) / 10)
    for values, x, colour, marker, label in (
        ([row.pmi for row in rows], k - shift, "blue", "o", "calibrated mean PMI"),
        ([row.infonce for row in rows], k + shift, "orange", "s", "InfoNCE bound"),
    ):
        mean, low, high = np.array([(value.mean, value.low, value.high) for value in values], dtype=float).T
        reach = np.nan_to_num(np.stack([mean - low, high - mean])).clip(min=0)  # 0 if there is no interval
        axes.errorbar(x, mean, reach, label=label, color=light(colour), marker=marker, markersize=4, capsize=2.5, linewidth=1.3)
    truth = {row.k: row.truth.information.mean for row in rows if row.truth}
    if truth:
        line(axes, list(truth), list(truth.values()), light("green"), 1.3, "exact I(x; past)", marker="D")
    ceiling = np.array([row.ceiling for row in rows], dtype=float)
    ends = [(value.mean, value.low, value.high) for row in rows for value in (row.pmi, row.infonce)]
    cut = fit_bound(axes, [np.array([*ends, *((value,) * 3 for value in truth.values())])], [("", float(ceiling.mean()))])
    if ceiling.mean() <= axes.get_ylim()[1]:
        dashed(axes, k, ceiling, label="ceiling log N", marker="_")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    legend(figure, axes)
    caption = (
        f"{format.printable(table.estimand.name)}: x is the step k ahead. Bars are 95 % intervals by source. log N − L is a lower bound "
        "only if the candidates are independent, and steps of one source are not. The mean PMI has no ceiling, and it is not a "
        f"bound.{cut}"
    )
    if truth:
        caption += " The process is known. No representation can exceed the exact information of the whole past."
    return PageFigure("information", "What the context says about steps ahead", caption, figure)


def reliability(checks: Sequence[tuple[int, Checks]]) -> PageFigure:
    """Draw the share of true pairs over the probability that the PMI states, for the first, the middle and the last
    k.
    """
    figure, axes = panel(x="probability of a true pair that the PMI states", y="share of true pairs found")
    dashed(axes, [0, 1], [0, 1], label="calibrated")
    places = sorted({0, len(checks) // 2, len(checks) - 1})
    for order, (k, check) in enumerate(checks[place] for place in places):
        stated, observed, _ = np.array(check.reliability, dtype=float).reshape(-1, 3).T
        line(axes, stated, observed, horizon(order, 3), 1.6, f"k = {k}", marker=SHAPES[order])
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
    legend(figure, axes)
    numbers = zip(*((check.normalisation, check.slope, check.intercept) for _, check in checks), strict=True)
    normalisation, slope, intercept = (format.between([round(value, 2) for value in values]) for values in numbers)
    caption = (
        "Half of the pairs are a context and its true future. In the other half, the step comes from another source. The curve shows "
        "how many pairs are true, by the probability that the PMI states. Below the dashed line the score is overconfident. Over all "
        f"k, E exp PMI is {normalisation} (1 if calibrated), the logistic slope is {slope} (1) and the intercept is {intercept} (0)."
    )
    return PageFigure("reliability", "Can the scores be read as numbers?", caption, figure)


def profiles(contexts: Sequence[Profile], k: int) -> PageFigure:
    """Draw the sorted scores of all candidates for some contexts, from the most to the least informative.

    Args:
        contexts: The contexts.
        k: The steps ahead.
    """
    figure, axes = panel(x="candidates, best first (rank)", y="PMI (nats)", width=WIDE, height=3.2)
    axes.axhline(0, color=light("ink"), linestyle=DASHES, linewidth=1.2)
    for order, profile in enumerate(contexts):
        colour, marker = horizon(order, len(contexts)), SHAPES[order % len(SHAPES)]
        line(axes, profile.rank, profile.pmi, colour, 1.6, f"{profile.information:.2f} nats", f"profile-{order}")
        true = ([profile.true_rank], [profile.true_pmi])
        axes.plot(*true, color=colour, marker=marker, markersize=8, markeredgecolor=light("card"), zorder=3)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rank, _: f"{rank:,.0f}"))
    # The worst candidates of a sharp context are far below. The peak and the plateau must stay visible.
    top = max(max(profile.pmi) for profile in contexts)
    lowest = min(min(profile.true_pmi for profile in contexts), -top)
    axes.set_ylim(lowest - 0.08 * (top - lowest), top + 0.08 * (top - lowest))
    legend(figure, axes)
    size = max(profile.candidates for profile in contexts)
    caption = (
        f"Each line is one context with all {format.count(size)} candidates for its future {format.plural(k, 'step')} ahead, sorted by "
        "score. The mark is the true future. The legend gives the information that each context has about it. A peak means much "
        "information, and a plateau at 0 means none. Scores far below the plateau are cut off."
    )
    return PageFigure("profiles", "Peaks and plateaus of the score", caption, figure, wide=True)


def timeline(result: Timeline) -> PageFigure:
    """Draw PMI over the steps, with one line for each horizon.

    Lines in a shuffled part are dashed. There is a vertical line at each heading, and some have names.
    """
    shuffled, steps = result.shuffled, np.arange(result.pmi.shape[1])
    figure, axes = panel(x=f"{result.unit} of {format.printable(result.source)}", y="PMI (nats)", width=WIDE, height=2.8)
    axes.axhline(0, color=light("ink"), linestyle=DASHES, linewidth=1.2)
    per_horizon(axes, "timeline", steps, result.pmi.T, result.horizons, _MOST_POINTS)
    if shuffled:
        axes.axvspan(shuffled.first, shuffled.last, color=light("rule"), linewidth=0, gid="timeline-shuffled")
        inside = slice(shuffled.first, shuffled.last)
        mixed = (steps[inside], shuffled.pmi.T[inside], result.horizons, _MOST_POINTS)
        for drawn in per_horizon(axes, "timeline-shuffled", *mixed):
            drawn.set(linestyle=(0, (2, 1.5)), label="_")
    marks = result.marks[:: -(-len(result.marks) // _MOST_MARKS) or 1]
    for step, _ in marks:
        axes.axvline(step, color=light("muted"), linewidth=0.6, alpha=0.7, zorder=0)
    for step, name in marks[:: -(-len(marks) // _MOST_NAMES) or 1]:
        place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "rotation": 90, "va": "top"}
        axes.annotate(format.lines(name, 36, 1), (step, 1), (2, -2), fontsize=8, color=light("muted"), **place)
    axes.set_xlim(0, len(steps))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    legend(figure, axes)
    smooth = f", as the mean of {result.smooth} neighbours" if result.smooth > 1 else ""
    caption = (
        f"PMI of each {result.unit}, predicted k steps earlier from all before{smooth}. At 0 the context said nothing, and below 0 it was "
        "misleading. A dip is a surprise."
    )
    if result.marks:
        rest = ", not all of which are drawn" if len(result.marks) > _MOST_MARKS else ""
        caption += f" Vertical lines are {format.plural(len(result.marks), 'heading')}{rest}."
    if shuffled:
        caption += f" In the shaded part, the dashed lines are the same {result.unit}s in random order."
    return PageFigure("timeline", f"PMI along {format.printable(result.source)}", caption, figure, wide=True)
