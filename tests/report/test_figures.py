"""Every figure shows the numbers of the files: the lines on the axes, and the paths in the SVG, against the arrays."""

import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from torchcpc.report import information_figures, metrics, palette, panel, training_figures
from torchcpc.report.svg import PageFigure, inline

from .fabricate import HORIZONS, folder, information, line, lines


@pytest.fixture(autouse=True)
def figure_style() -> Iterator[None]:
    with panel.figure_style():
        yield


def read(place: Path, *, train: int = 41, valid: int = 11) -> metrics.LoggedMetrics:
    return metrics.read_metrics(folder(place, lines(train=train, valid=valid)) / "metrics.jsonl")


def by_name(pictures: list[PageFigure]) -> dict[str, PageFigure]:
    named = {picture.name: picture for picture in pictures}
    assert len(named) == len(pictures)
    return named


def drawn(figure: Figure, gid: str) -> np.ndarray:
    """[points, 2] of the line with this gid."""
    (found,) = [each for each in figure.axes[0].lines if each.get_gid() == gid]
    assert isinstance(found, Line2D)
    return np.asarray(found.get_xydata(), dtype=float)


def pictures_of(run: metrics.LoggedMetrics) -> dict[str, PageFigure]:
    return by_name(training_figures.draw(run) + training_figures.details(run))


@pytest.mark.parametrize("split", ["train", "valid"])
def test_each_horizon_has_its_line(tmp_path: Path, split: str) -> None:
    run = read(tmp_path, valid=11 if split == "valid" else 0)
    figure, curves = pictures_of(run)[f"bound-{split}"].figure, run.splits[split]
    for i, k in enumerate(HORIZONS):
        points = drawn(figure, f"bound-{split}-k{k}")
        assert points[:, 0].tolist() == curves.step.tolist()
        assert points[:, 1].tolist() == curves.per_k["bound_per_k"][:, i].tolist()
    assert drawn(figure, "bound-high")[:, 1] == pytest.approx(math.log(509))


def unlike(place: Path, *, train: int, valid: int) -> metrics.LoggedMetrics:
    """A run whose training and validation choose among different numbers of candidates."""
    entries = lines(train=7, valid=3)
    for entry in entries:
        number = {"train": train, "valid": valid}[entry["event"]]
        entry |= {"ceiling_per_k": [math.log(number)] * 12, "chance_per_k": [1 / number] * 12}
    return metrics.read_metrics(folder(place, entries) / "metrics.jsonl")


def test_training_and_validation_have_their_own_ceiling_and_chance(tmp_path: Path) -> None:
    pictures = pictures_of(unlike(tmp_path, train=1021, valid=211))
    for split, number in (("train", 1021), ("valid", 211)):
        for name in ("mean-ceiling", "bound-profile-ceiling"):
            figure = pictures["mean-bound" if name == "mean-ceiling" else "bound-profile"].figure
            assert drawn(figure, f"{name}-{split}")[:, 1] == pytest.approx(math.log(number)), name
        chance = drawn(pictures["accuracy-profile"].figure, f"accuracy-profile-chance-{split}")
        assert chance[:, 1] == pytest.approx(1 / number)
    for name in ("mean-bound", "accuracy-profile"):
        assert "N = 1,021 in training, 211 in validation" in pictures[name].caption


def test_means_of_both_splits(tmp_path: Path) -> None:
    run = read(tmp_path)
    figure = pictures_of(run)["mean-bound"].figure
    for split, curves in run.splits.items():
        mean = [sum(row) / len(row) for row in curves.per_k["bound_per_k"].tolist()]
        assert drawn(figure, f"mean-{split}")[:, 1] == pytest.approx(mean)


def test_profiles_stand_at_the_best_validation(tmp_path: Path) -> None:
    run = read(tmp_path)
    assert run.train is not None and run.valid is not None
    means = [sum(row) for row in run.valid.per_k["bound_per_k"].tolist()]
    at = means.index(max(means))
    assert 0 < at < len(means) - 1, "a best in the middle, so that first and last would be wrong"
    pictures = pictures_of(run)
    points = drawn(pictures["bound-profile"].figure, "bound-profile-valid")
    assert points[:, 0].tolist() == list(HORIZONS) and points[:, 1].tolist() == run.valid.per_k["bound_per_k"][at].tolist()
    gaps = np.abs(run.train.step - run.valid.step[at]).tolist()
    trained = drawn(pictures["accuracy-profile"].figure, "accuracy-profile-train")[:, 1].tolist()
    assert trained == run.train.per_k["accuracy_per_k"][gaps.index(min(gaps))].tolist()
    assert f"at step {run.valid.step[at]:,}" in pictures["bound-profile"].caption


def test_unequal_candidates_show_the_range_of_the_ceiling(tmp_path: Path) -> None:
    entries = lines(train=5, valid=0)
    for entry in entries:
        entry["ceiling_per_k"] = [None if i == 7 else 5.0 - 0.1 * i for i in range(12)]
    run = metrics.read_metrics(folder(tmp_path, entries) / "metrics.jsonl")
    figure = pictures_of(run)["bound-train"].figure
    assert drawn(figure, "bound-high")[:, 1] == pytest.approx(5.0)
    assert drawn(figure, "bound-low")[:, 1] == pytest.approx(3.9)


@pytest.mark.parametrize("highest", [0.05, 0.4, 2.0])
def test_a_small_bound_fills_the_axis_and_the_ceiling_is_told(tmp_path: Path, highest: float) -> None:
    entries = lines(train=11, valid=5)
    for i, entry in enumerate(entries):
        entry |= {"bound_per_k": [highest * (i + 1) / len(entries)] * 12, "ceiling_per_k": [5.4] * 12}
    run = metrics.read_metrics(folder(tmp_path, entries) / "metrics.jsonl")
    for name, picture in pictures_of(run).items():
        axes = picture.figure.axes[0]
        if "bound" in name:
            low, high = axes.get_ylim()
            assert low == 0 and highest <= high <= 1.1 * highest, name
            told = axes.get_title(loc="left").replace("\n", " ")
            assert "5.40" in told and "above the axis" in told
            assert max(map(len, axes.get_title(loc="left").split("\n"))) <= 40, "a longer line would be cut"


def test_a_near_ceiling_is_drawn(tmp_path: Path) -> None:
    for picture in pictures_of(read(tmp_path)).values():
        axes = picture.figure.axes[0]
        assert axes.get_title(loc="left") == ""
        assert "bound" not in picture.name or axes.get_ylim()[1] > math.log(509)


def test_thin_keeps_means_and_shows_gaps() -> None:
    values = np.random.default_rng(0).normal(size=(1009, 3))
    values[500, 1] = np.nan
    step, thinned = panel.thin(np.arange(1009), values, 100)
    assert step.shape == (100,) and thinned.shape == (100, 3)
    # 1009 = 100 * 10 + 9: nine groups of 11, then 91 of 10.
    assert step[0] == 5.0 and thinned[0] == pytest.approx(values[:11].mean(axis=0))
    assert step[-1] == pytest.approx(1003.5) and thinned[-1] == pytest.approx(values[-10:].mean(axis=0))
    assert np.isnan(thinned).sum() == 1
    assert panel.thin(np.arange(7), values[:7], 100)[1] is not None and len(panel.thin(np.arange(7), values[:7], 100)[0]) == 7


def test_a_long_run_says_that_points_are_means(tmp_path: Path) -> None:
    pictures = pictures_of(read(tmp_path, train=1000, valid=5))
    assert "mean of about 5 logged lines" in pictures["mean-bound"].caption
    assert "logged lines" not in pictures["bound-valid"].caption
    assert len(drawn(pictures["mean-bound"].figure, "mean-train")) == panel.MOST_POINTS


def test_a_bad_start_is_cut_and_told(tmp_path: Path) -> None:
    entries = lines(train=9, valid=0)
    entries[0]["bound_per_k"] = [-300.0] * 12
    run = metrics.read_metrics(folder(tmp_path, entries) / "metrics.jsonl")
    for name in ("mean-bound", "bound-train"):
        picture = pictures_of(run)[name]
        assert re.search(r"Values below −[123]\.\d\d nats lie under the edge", picture.caption), name
        assert picture.figure.axes[0].get_ylim()[0] > -4


@pytest.mark.parametrize(
    "entries", [[line("train", 1, np.random.default_rng(1))], [line("valid", 0, np.random.default_rng(1))]]
)
def test_one_line_is_enough(tmp_path: Path, entries: list) -> None:
    run = metrics.read_metrics(folder(tmp_path, entries) / "metrics.jsonl")
    for picture in [*pictures_of(run).values(), *training_figures.health(run)]:
        assert inline(picture).startswith("<svg")


def test_nothing_but_gaps_can_be_drawn(tmp_path: Path) -> None:
    entries = lines(train=3, valid=2)
    for entry in entries:
        entry |= {name: [None] * 12 for name in metrics.PER_HORIZON} | {"gradient_norm": None, "rank_z": None, "rank_c": None}
    run = metrics.read_metrics(folder(tmp_path, entries) / "metrics.jsonl")
    assert all(inline(picture).startswith("<svg") for picture in pictures_of(run).values())
    assert training_figures.health(run) == []


def test_health_shows_ranks_and_gradients(tmp_path: Path) -> None:
    run = read(tmp_path)
    assert run.train is not None and run.valid is not None
    pictures = by_name(training_figures.health(run))
    for name in ("rank_z", "rank_c"):
        assert drawn(pictures["ranks"].figure, name)[:, 1].tolist() == run.valid.single[name].tolist()
    assert drawn(pictures["gradient"].figure, "gradient_norm")[:, 1].tolist() == run.train.single["gradient_norm"].tolist()
    low, high = pictures["gradient"].figure.axes[0].get_ylim()
    assert high / low >= 9.99


def test_information_is_drawn_where_it_was_measured() -> None:
    content = information()
    pictures = by_name(information_figures.draw(content))
    assert list(pictures) == ["information", "reliability", "profiles"]
    axes = pictures["information"].figure.axes[0]
    curves = {str(line.get_label()): np.asarray(line.get_xydata(), float) for line in axes.lines}
    assert curves["exact I(x; past)"].tolist() == [[1, 2.125], [2, 2.125], [4, 2.125]]
    assert "6.25" in axes.get_title(loc="left"), "a ceiling far above the data is told in words"
    bars = [bar for bar in axes.containers if isinstance(bar, ErrorbarContainer)]
    means = [np.asarray(bar.lines[0].get_ydata()).tolist() for bar in bars]
    assert means == [[row.pmi.mean for row in content.rows], [row.infonce.mean for row in content.rows]]
    ends = [np.asarray(segment)[:, 1] for segment in bars[0].lines[2][0].get_segments()]
    np.testing.assert_allclose(ends, [(row.pmi.low, row.pmi.high) for row in content.rows])
    assert "1.02 (1 if calibrated)" in pictures["reliability"].caption
    profile = drawn(pictures["profiles"].figure, "profile-0")
    assert profile.tolist() == [[1, 3.0], [10, 1.0], [400, -4.0]] and "400 candidates" in pictures["profiles"].caption
    bare = replace(content, rows=tuple(replace(row, checks=None, truth=None) for row in content.rows), profiles=())
    assert list(by_name(information_figures.draw(bare))) == ["information"]


def test_svg_path_is_the_curve(tmp_path: Path) -> None:
    """The picture itself: the path's heights are an affine image of the numbers, downwards."""
    run = read(tmp_path, valid=0)
    assert run.train is not None
    root = ElementTree.fromstring(inline(pictures_of(run)["bound-train"]))
    (group,) = [each for each in root.iter("g") if each.get("id") == "bound-train-bound-train-k3"]
    path = next(group.iter("path")).get("d", "")
    points = np.array(re.findall(r"[ML] (\S+) (\S+)", path), dtype=float)
    values = run.train.per_k["bound_per_k"][:, 2]
    assert len(points) == len(values)
    assert np.corrcoef(points[:, 1], values)[0, 1] < -0.999999
    assert np.corrcoef(points[:, 0], run.train.step)[0, 1] > 0.999999


def test_colours_can_be_told_apart_by_name() -> None:
    lights = [light for light, _ in palette.COLOURS.values()]
    assert len(set(lights)) == len(lights), "a colour of two names could not be replaced by its variable"
    assert palette.horizon(0, 12) == palette.light("k0") and palette.horizon(11, 12) == palette.light("k15")
    assert palette.horizon(0, 1) == palette.light("k0")


def luminance(colour: str) -> float:
    """Relative luminance of sRGB (WCAG 2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1])
def test_every_colour_stands_out_from_the_card(theme: int) -> None:
    """WCAG asks 3 : 1 of graphics and 4.5 : 1 of text; the far end of the ramp, named in its legend, may fall to 2.5."""
    card = luminance(palette.COLOURS["card"][theme])
    for name, pair in palette.COLOURS.items():
        high, low = max(card, luminance(pair[theme])), min(card, luminance(pair[theme]))
        wanted = 4.5 if name in ("ink", "muted", "blue") else 2.5 if name in palette.RAMP else 3.0
        if name not in ("card", "rule"):
            assert (high + 0.05) / (low + 0.05) >= wanted, name
