"""Calibrated scores as pictures: information per step, whether the scores can be trusted, and peaks against plateaus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from torchcpc.contracts import CPCError
from torchcpc.report import format
from torchcpc.report.palette import LEVELS, light
from torchcpc.report.panel import DASHES, legend, panel, save
from torchcpc.report.svg import Picture

SHAPES = "os^Dv"


def draw(path: Path, content: Mapping[str, Any]) -> list[Picture]:
    """The pictures of information.json. Raises CPCError naming the file where it is not what `cpc information` writes."""
    try:
        pictures = [per_step(content), peaks(content["peaks"])]
        checked = [row for row in content["rows"] if row["checks"]]
        return [*pictures[:1], *([reliability(checked)] if checked else []), *pictures[1:]]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CPCError(f"{path} is not a table of information ({error!r}): write it again with cpc information RUN") from error


def per_step(content: Mapping[str, Any]) -> Picture:
    rows, estimand = content["rows"], content["estimand"]
    k = np.array([row["k"] for row in rows], dtype=float)
    figure, axes = panel(x="steps ahead k", y="nats")
    shift = 0.06 * max(1.0, (k[-1] - k[0]) / 10)
    looks = {"pmi": ("blue", "o", "calibrated mean PMI", -shift), "infonce": ("orange", "s", "InfoNCE bound", shift)}
    for name, (colour, marker, label, aside) in looks.items():
        value, low, high = (np.array([row[name][part] for row in rows], dtype=float) for part in ("value", "low", "high"))
        reach = np.nan_to_num(np.stack([value - low, high - value])).clip(min=0)
        look: Any = {"color": light(colour), "marker": marker, "markersize": 4, "capsize": 2.5, "linewidth": 1.3}
        axes.errorbar(k + aside, value, reach, label=label, **look)
    known = [(row["k"], row["truth"]) for row in rows if row.get("truth")]
    if known:
        exact = [truth["information"]["value"] for _, truth in known]
        axes.plot(
            [at for at, _ in known],
            exact,
            color=light("green"),
            marker="D",
            markersize=4,
            linewidth=1.3,
            label="exact I(x; past)",
        )
    ceiling = np.array([row["ceiling"] for row in rows], dtype=float)
    axes.plot(k, ceiling, color=light("ink"), linestyle=DASHES, linewidth=1.2, label="ceiling log N", marker="_")
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]), top=max(1.06 * float(ceiling.max()), axes.get_ylim()[1]))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    legend(figure, axes)
    first = rows[0]
    caption = (
        f"{format.printable(estimand['name'])}, where x is the step k ahead, on {format.printable(content['origin'])} "
        f"({format.plural(first['n'], 'pair')} of {format.plural(first['sources'], 'source')} at k = {first['k']}); bars are 95 % "
        f"intervals by source. log Z rests on {format.plural(estimand['samples'], 'sample')} of "
        f"{format.plural(estimand['sources'], 'other source')}. log N - loss is a lower bound for independent candidates only; "
        "neighbouring steps of a source are not independent. The mean PMI has no ceiling and is a bound in neither direction."
    )
    if known:
        caption += (
            " The process that made these data is known: the exact information between the step and its whole past is what no "
            "representation can exceed."
        )
    return Picture("information", "What the context says about steps ahead", caption, figure)


def reliability(rows: Sequence[Mapping[str, Any]]) -> Picture:
    figure, axes = panel(x="probability of a true pair that the PMI states", y="share of true pairs found")
    axes.plot([0, 1], [0, 1], color=light("ink"), linestyle=DASHES, linewidth=1.2, label="calibrated")
    places = sorted({0, len(rows) // 2, len(rows) - 1})
    for order, row in enumerate(rows[place] for place in places):
        said, found, _ = np.array(row["checks"]["reliability"], dtype=float).T
        colour = light(f"k{order * (LEVELS - 1) // 2}")
        axes.plot(said, found, color=colour, marker=SHAPES[order], markersize=4, label=f"k = {row['k']}")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
    legend(figure, axes)
    norm = [row["checks"]["normalisation"] for row in rows]
    slope = [row["checks"]["slope"] for row in rows]
    intercept = [row["checks"]["intercept"] for row in rows]
    caption = (
        "Pairs of a context and its true future, mixed half and half with pairs of a context and a step of another source: of those "
        "for which the PMI states a probability, how many are true pairs. Below the line the score is too sure of itself. Over all k, "
        f"E exp PMI is {spread(norm)} (1 if calibrated), the logistic slope {spread(slope)} (1) and intercept {spread(intercept)} (0)."
    )
    return Picture("reliability", "Can the scores be read as numbers?", caption, figure)


def peaks(content: Mapping[str, Any]) -> Picture:
    """Sorted scores of all candidates, for contexts from the most to the least informative, with the true future marked."""
    contexts, k = content["contexts"], content["k"]
    figure, axes = panel(x="candidates, best first (rank)", y="PMI (nats)", width=6.4, height=3.6)
    axes.axhline(0, color=light("ink"), linestyle=DASHES, linewidth=1.2)
    for order, each in enumerate(contexts):
        colour = light(f"k{round(order * (LEVELS - 1) / max(len(contexts) - 1, 1))}")
        label = f"{each['information']:.2f} nats"
        axes.plot(each["rank"], each["pmi"], color=colour, label=label, gid=f"peak-{order}")
        axes.plot(
            each["true_rank"],
            each["true_pmi"],
            color=colour,
            marker=SHAPES[order % len(SHAPES)],
            markersize=8,
            markeredgecolor=light("card"),
            zorder=3,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rank, _: f"{rank:,.0f}"))
    # The worst candidates of a sharp context are far below; what matters is the peak and the plateau.
    top = max(max(each["pmi"]) for each in contexts)
    lowest = min(min(each["true_pmi"] for each in contexts), -top)
    axes.set_ylim(lowest - 0.08 * (top - lowest), top + 0.08 * (top - lowest))
    legend(figure, axes)
    size = max(each["candidates"] for each in contexts)
    caption = (
        f"Each line is one context and every candidate for its future {format.plural(k, 'step')} ahead, {format.count(size)} in all, "
        "sorted by score; the mark is the true future. Contexts go from the most to the least informative (what each says about the "
        "future, in nats, stands in the legend): a peak where the context says much, a plateau at 0 where it says nothing. Scores "
        "far below the plateau are cut off."
    )
    return Picture("peaks", "Peaks and plateaus of the score", caption, figure, wide=True)


def save_peaks(path: Path, content: Mapping[str, Any]) -> None:
    """The picture of peaks alone, as .svg or .png. Raises CPCError for another ending or a place that cannot be written."""
    save(path, lambda: peaks(content).figure)


def spread(values: Sequence[float]) -> str:
    return format.between([round(value, 2) for value in values])


def numbers(content: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The table: k, PMI and bound with intervals, ceiling, N, pairs, sources, effective samples, E exp PMI, slope, intercept."""
    made = []
    for row in content["rows"]:
        checks = row["checks"] or {}
        cells = [ranged(row[name]) for name in ("pmi", "infonce")]
        made.append(
            (
                str(row["k"]),
                *cells,
                format.nats(row["ceiling"]),
                format.count(round(row["candidates"])),
                format.count(row["n"]),
                format.count(row["sources"]),
                format.count(round(row["effective"])),
                *(format.number(checks.get(name)) for name in ("normalisation", "slope", "intercept")),
            )
        )
    return made


def truths(content: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The table beside a known truth: k, exact information, exact mean of the pairs, mean PMI, share captured, slope, RMSE."""
    made = []
    for row in content["rows"]:
        if not (truth := row.get("truth")):
            continue
        made.append(
            (
                str(row["k"]),
                format.nats(truth["information"]["value"], digits=3),
                ranged(truth["exact"]),
                ranged(row["pmi"]),
                shared(truth["share"]),
                format.number(truth["slope"]),
                format.number(truth["rmse"]),
            )
        )
    return made


def shared(value: Mapping[str, float | None] | None) -> str:
    """A share with its interval in percent; a dash where there is nothing to take a share of."""
    if value is None:
        return format.NOTHING
    ends = [end for end in (value["low"], value["high"]) if end is not None]
    return format.percent(value["value"]) + (f" ({' to '.join(format.percent(end) for end in ends)})" if ends else "")


def ranged(value: Mapping[str, float | None]) -> str:
    ends = [value["low"], value["high"]]
    between = "" if None in ends else f" ({' to '.join(format.nats(end) for end in ends if end is not None)})"
    return f"{format.nats(value['value'] or 0.0)}{between}"
