"""Makes the page for readers of the paper: measures, draws docs/figures/*.svg, and fills the numbers into its text.

    python docs/make_figures.py        # half a minute on one core

Every number of docs/for-readers-of-the-paper.md comes from `demonstrations.py`; the words are in docs/figures/page.md.jinja.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import demonstrations
import numpy as np
from jinja2 import Environment, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from torchcpc.report.palette import LEVELS, light
from torchcpc.report.panel import DASHES, figure_style, panel

PAGE = Path(__file__).parent / "for-readers-of-the-paper.md"
TEMPLATE = Path(__file__).parent / "figures" / "page.md.jinja"
FULL = {"updates": 200, "samples": 4096, "oracle": 16_384, "rows": 40_000, "repeats": 600}
SHAPES = "osD^v"


def measure(*, updates: int, samples: int, oracle: int, rows: int, repeats: int) -> dict[str, Any]:
    return {
        "gauge": demonstrations.gauge(updates, samples),
        "steps": demonstrations.per_step(updates, samples),
        "cap": demonstrations.capped(oracle),
        "marginals": demonstrations.marginals(),
        "false": demonstrations.false_negatives(rows),
        "partition": demonstrations.partition(repeats),
        "processing": demonstrations.processing(updates, samples),
    }


def three(y: str, x: str) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(8.4, 3.0), layout="constrained")
    panes = list(figure.subplots(1, 3, sharey=True))
    for axes in panes:
        axes.grid(axis="y")
        axes.set_xlabel(x)
    panes[0].set_ylabel(y)
    return figure, panes


def gauge(found: Mapping[str, Any]) -> Figure:
    figure, panes = three("F \N{MINUS SIGN} log ratio, less its mean (nats)", "target x")
    titles = {"targets": "softmax over targets (eq. 4)", "contexts": "softmax over contexts", "both": "mean of both"}
    for axes, (name, title) in zip(panes, titles.items(), strict=True):
        x_CU, excess_CU = np.array(found[name]["x"]), np.array(found[name]["excess"])
        for i, (x, excess) in enumerate(zip(x_CU, excess_CU - excess_CU.mean(), strict=True)):
            axes.plot(x, excess, color=light(f"k{round(i * (LEVELS - 1) / (len(x_CU) - 1))}"))
        axes.set_title(title, fontsize=9, loc="left")
    return figure


def steps(found: Mapping[str, Any]) -> Figure:
    figure, axes = panel(x="steps ahead k", y="InfoNCE, N = 128 (nats)")
    k = np.arange(1, len(found["own"]) + 1)
    axes.plot(k, found["oracle"], color=light("ink"), linestyle=DASHES, label="exact ratio")
    axes.plot(k, found["own"], color=light("blue"), marker="o", markersize=4, label="a W for each k")
    axes.plot(k, found["shared"], color=light("orange"), marker="s", markersize=4, label="one W for all k")
    axes.set_xticks(k)
    axes.set_ylim(bottom=0)
    axes.legend()
    return figure


def cap(found: Mapping[str, Any]) -> Figure:
    figure, axes = panel(x="candidates N", y="nats", width=5.6, height=3.6)
    N = np.array(found["candidates"])
    axes.plot(N, np.log(N), color=light("ink"), linestyle=DASHES, label="log N")
    for colour, shape, name in (("blue", "o", "1 pair"), ("green", "D", "4 pairs"), ("orange", "s", "10 pairs")):
        own = found[name]
        axes.axhline(own["information"], color=light(colour), linewidth=0.9, linestyle=(0, (1, 2)))
        axes.errorbar(N, own["value"], 1.96 * np.array(own["error"]), color=light(colour), marker=shape, markersize=4, capsize=2,
                      label=f"{name}, I = {own['information']:.2f}")  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_xticks(N, [str(n) for n in N])
    axes.minorticks_off()
    axes.set_ylim(0, 8.8)
    figure.legend(loc="outside upper left", ncols=4)
    return figure


def false(found: Mapping[str, Any]) -> Figure:
    figure, axes = panel(x="true log ratio (nats)", y="log ratio in the best score (nats)")
    true = np.linspace(0, 7.2, 100)
    axes.plot(true, true, color=light("ink"), linestyle=DASHES, label="none")
    for colour, shape, (share, points) in zip(("blue", "orange"), "os", found.items(), strict=True):
        axes.plot(true, [demonstrations.diluted(each, float(share)) for each in true], color=light(colour), linewidth=1.2)
        axes.plot(
            *np.array(points).T, color=light(colour), marker=shape, markersize=5, linestyle="", label=f"{float(share):.0%}"
        )
        axes.axhline(-math.log(float(share)), color=light(colour), linewidth=0.9, linestyle=(0, (1, 2)))
    axes.legend(title="false negatives", alignment="left")
    return figure


def partition(found: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(8.4, 3.0), layout="constrained")
    panes = list(figure.subplots(1, 2))
    M = np.array(found["sizes"])
    for axes, c, words in zip(panes, ("0", "1.5"), ("an ordinary context, c = 0", "a rare one, c = 1.5"), strict=True):
        own = found[c]
        axes.grid(axis="y")
        axes.axhline(0, color=light("ink"), linewidth=0.9)
        axes.plot(M, own["expected"], color=light("ink"), linestyle=DASHES, label="\N{MINUS SIGN}χ² / 2M")
        for colour, shape, name in (("orange", "s", "none"), ("blue", "o", "delta"), ("green", "D", "jackknife")):
            axes.errorbar(M, own[name], 1.96 * np.array(own["error"]), color=light(colour), marker=shape, markersize=4, capsize=2,
                          linewidth=1.2, label={"none": "uncorrected"}.get(name, name))  # fmt: skip
        axes.set_xscale("log", base=2)
        axes.set_xticks(M, [str(m) for m in M])
        axes.minorticks_off()
        axes.set_xlabel("marginal samples M")
        axes.set_title(words, fontsize=9, loc="left")
    panes[0].set_ylabel("mean error of log Z (nats)")
    panes[1].legend()
    return figure


FIGURES = {"gauge": gauge, "steps": steps, "cap": cap, "false": false, "partition": partition}


def draw(folder: Path, numbers: Mapping[str, Any]) -> None:
    """One SVG per figure; the same numbers give the same bytes."""
    with figure_style():
        for name, make in FIGURES.items():
            make(numbers[name]).savefig(folder / f"{name}.svg", metadata={"Date": None}, facecolor=light("card"))


def words(numbers: Mapping[str, Any]) -> str:
    """The page: its template with the numbers filled in."""
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf8")).render(
        **numbers, size=FULL, log=math.log, diluted=demonstrations.diluted, zip=zip, repeated=1 - (1 - 1 / 1016) ** 128
    )


def rounded(value: Any) -> Any:
    """Five decimals: more than is shown, little enough to read."""
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    return round(value, 5) if isinstance(value, float) else value


def main() -> None:
    numbers = rounded(measure(**FULL))
    draw(TEMPLATE.parent, numbers)
    for each in numbers["gauge"].values():
        del each["x"], each["excess"]  # whole curves, which only the figure shows
    (TEMPLATE.parent / "numbers.json").write_text(json.dumps(numbers) + "\n", encoding="utf8")
    PAGE.write_text(words(numbers), encoding="utf8")


if __name__ == "__main__":
    main()
