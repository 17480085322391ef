"""Draw the picture of the README, docs/figures/overview.svg, from the run that `cpc demo` makes.

    cpc demo -o runs/digits && python docs/make_overview.py runs/digits

It shows three answers of one model that was trained on digits without labels. They are the rows that surprise it, a map of its
contexts, and the accuracy of a linear probe.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.manifold import TSNE

import torchcpc
from torchcpc.atomic import replacing
from torchcpc.report.palette import light
from torchcpc.report.panel import DASHES, figure_style
from torchcpc.results import read_json

FIGURE = Path(__file__).parent / "figures" / "overview.svg"
TEST = slice(1437, None)  # the pictures that the recipe `digits` keeps out of training
JOINED_AT = 4  # rows from here on come from another picture
ROWS = {
    "CPC c": ("blue", "o", "CPC"),
    "random init c": ("slate", "s", "the same network, untrained"),
    "pixels": ("orange", "D", "pixels"),
}


def surprise_of_rows(run: torchcpc.Run, whole_NHW: np.ndarray, joined_NHW: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean surprise of each row given the rows above it, in nats, for two sets of pictures. Returns two arrays [rows - 1]."""
    training_NHW = load_digits().images[: TEST.start] / 16
    table = run.score(torchcpc.cases([*training_NHW, *whole_NHW, *joined_NHW])).to_pandas()
    table = table[table["k"] == 1]
    number = table["source"].str.removeprefix("case-").astype(int) - len(training_NHW)
    parts = (table[(number >= low) & (number < high)] for low, high in ((0, len(whole_NHW)), (len(whole_NHW), 10**9)))
    whole, joined = (part.groupby("step")["surprise"].mean().to_numpy() for part in parts)
    return whole, joined


def draw_surprise(axes: Axes, run: torchcpc.Run) -> None:
    """Surprise row by row: it rises where a picture goes on with another one."""
    whole_NHW = load_digits().images[TEST] / 16
    joined_NHW = whole_NHW.copy()
    joined_NHW[:, JOINED_AT:] = np.roll(whole_NHW, 1, axis=0)[:, JOINED_AT:]
    whole, joined = surprise_of_rows(run, whole_NHW, joined_NHW)
    row = np.arange(2, 2 + len(whole))
    axes.plot(row, whole, color=light("blue"), marker="o", markersize=4, label="whole digits")
    axes.plot(row, joined, color=light("orange"), marker="s", markersize=4, label="from row 5 on, another digit")
    axes.axvline(JOINED_AT + 0.5, color=light("muted"), linestyle=DASHES, linewidth=0.8)
    axes.set_title("Surprise of each row", loc="left", fontsize=10)
    axes.set(xlabel="row, from the top", ylabel="surprise (nats)")
    axes.grid(axis="y")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, -0.02))
    for left, picture in ((0.02, whole_NHW[3]), (0.20, joined_NHW[3])):
        inset = axes.inset_axes((left, 0.72, 0.15, 0.27))
        inset.imshow(1 - picture, cmap="gray", interpolation="nearest")
        inset.set_axis_off()


def draw_map(axes: Axes, run: torchcpc.Run) -> None:
    """The contexts of the test pictures, which neither training nor the map knew by class."""
    embedding = run.embed(per="source").to_pandas()
    test = embedding[embedding["split"] == "test"]
    place_N2 = TSNE(random_state=0, init="pca", perplexity=25).fit_transform(np.stack(test["c"].tolist()))
    place_N2 -= place_N2.min(0)
    for digit in range(10):
        colour = light(f"k{round(digit * 15 / 9)}")
        own_N2 = place_N2[test["digit"].astype(int).to_numpy() == digit]
        axes.scatter(*own_N2.T, s=7, color=colour, linewidths=0)
        axes.annotate(
            str(digit), np.median(own_N2, 0), color=light("ink"), ha="center", va="center", fontsize=11, fontweight="bold"
        )
    axes.set_title("Contexts of digits that it never saw", loc="left", fontsize=10)
    axes.set(xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set_visible(False)


def draw_labels(axes: Axes, folder: Path) -> None:
    """Accuracy of the linear probe by the number of labels, with intervals."""
    efficiency = read_json(folder / "probe.json")["tables"][0]["efficiency"]
    for shift, (features, (colour, marker, words)) in zip((-0.06, 0, 0.06), ROWS.items(), strict=True):
        points = [entry["accuracy"] for entry in efficiency if entry["features"] == features]
        mean, low, high = (100 * np.array([point[name] for point in points]) for name in ("mean", "low", "high"))
        place = np.arange(len(points)) + shift
        axes.errorbar(
            place,
            mean,
            (mean - low, high - mean),
            color=light(colour),
            marker=marker,
            markersize=4,
            capsize=2,
            linewidth=1.4,
            label=words,
        )
    axes.set_title("A linear probe reads the digit", loc="left", fontsize=10)
    axes.set(xlabel="labels for each class", ylabel="accuracy (%)", xticks=range(3))
    axes.set_xticklabels(["1", "10", "all"])
    axes.grid(axis="y")
    axes.legend(loc="lower right")


def main() -> None:
    """Draw the three panels."""
    parser = argparse.ArgumentParser(description="Draw the picture of the README from a run of `cpc demo`.")
    parser.add_argument("run", type=Path, help="the run folder")
    folder = parser.parse_args().run
    run = torchcpc.load(folder)
    with figure_style():
        figure = Figure(figsize=(10.5, 3.1), layout="constrained")
        panes = figure.subplots(1, 3)
        draw_surprise(panes[0], run)
        draw_map(panes[1], run)
        draw_labels(panes[2], folder)
        with replacing(FIGURE) as partial:
            figure.savefig(partial, format="svg", facecolor=light("card"), metadata={"Date": None})


if __name__ == "__main__":
    main()
