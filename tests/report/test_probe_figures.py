"""Pictures of probes: dots against the rows of the table, curves from few labels, and the map with its keys."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from torchcpc.probes.result import EmbeddingMap
from torchcpc.report import embedding_map, palette, panel, probe_figures, table_figures
from torchcpc.report.dots import Dot, dots
from torchcpc.report.svg import PageFigure, inline
from torchcpc.results import Interval

from .fabricate import layout, ranking, segments, table
from .test_figures import drawn

LONG = "the mean and the deviation of a very long list of handmade features of 128 bands"


@pytest.fixture(autouse=True)
def figure_style() -> Iterator[None]:
    with panel.figure_style():
        yield


def test_dots_stand_at_means_within_intervals_best_first() -> None:
    entry = table("digit", 0.1)
    figure = probe_figures.accuracies(entry, 3).figure
    expected = sorted(entry.rows, key=lambda row: -row.accuracy.mean)
    heights = []
    for place, row in enumerate(expected):
        ((mean, height),) = drawn(figure, f"mean-3-{place}").tolist()
        heights.append(height)
        assert mean == row.accuracy.mean
        assert drawn(figure, f"interval-3-{place}")[:, 0].tolist() == [row.accuracy.low, row.accuracy.high]
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert names[0] == "CPC c, MLP" and len(names) == len(expected) and heights == sorted(heights)
    colours = [line.get_color() for line in figure.axes[0].lines if str(line.get_gid()).startswith("mean")]
    assert [colour == palette.light("blue") for colour in colours] == [row.role == "cpc" for row in expected]
    low, high = figure.axes[0].get_ylim()
    assert low > high, "the first row stands on top"
    assert drawn(figure, "chance-3")[:, 0].tolist() == [0.1, 0.1]


def test_the_axis_fits_the_rows_and_tells_of_a_chance_far_away() -> None:
    entry = table("digit", 0.1)
    good = [row for row in entry.rows if row.accuracy.mean > 0.9]
    axes = probe_figures.accuracies(replace(entry, rows=tuple(good)), 0).figure.axes[0]
    low, _ = axes.get_xlim()
    assert 0.85 < low < min(row.accuracy.low for row in good)
    assert "chance = 10.0" in axes.get_title(loc="left") and "left of the axis" in axes.get_title(loc="left")
    assert max(axes.get_xticks()) <= 1, "no share exceeds a hundred percent"


def test_rows_without_an_interval_are_dots_alone() -> None:
    bare = [Dot("a", Interval(0.5, math.nan, math.nan), True), Dot("b", Interval(0.25, math.nan, math.nan), False)]
    figure = dots(bare, "x", x="share (%)", reference=("chance", math.nan))
    assert drawn(figure, "mean-x-0")[0, 0] == 0.5 and inline(PageFigure("a", "a", "", figure)).startswith("<svg")
    assert inline(PageFigure("a", "a", "", dots([], "x", x="share (%)"))).startswith("<svg")


def test_labels_are_wrapped_and_not_cut() -> None:
    entry = table("digit", 0.1)
    rows = tuple(replace(row, features=f"{LONG} {i}") for i, row in enumerate(entry.rows))
    figure = probe_figures.accuracies(replace(entry, rows=rows), 0).figure
    for tick in figure.axes[0].get_yticklabels():
        assert LONG in tick.get_text().replace("\n", " ") and max(map(len, tick.get_text().split("\n"))) <= 25
    few = tuple(replace(point, features=f"{LONG} {point.role}") for point in entry.efficiency)
    named = probe_figures.label_efficiency(replace(entry, efficiency=few), 0).figure.legends[0].get_texts()
    assert any(LONG in text.get_text().replace("\n", " ") for text in named)


def test_the_role_not_the_name_makes_a_row_of_cpc() -> None:
    entry = table("digit", 0.1)
    rows = [replace(row, features="x", role="handmade" if row.role == "cpc" else "cpc") for row in entry.rows]
    figure = probe_figures.accuracies(replace(entry, rows=tuple(rows)), 0).figure
    colours = [line.get_color() for line in figure.axes[0].lines if str(line.get_gid()).startswith("mean")]
    assert [colour == palette.light("blue") for colour in colours] == [False, False, False, True, True, True, True]


def test_few_labels_run_to_all_at_the_end() -> None:
    entry = table("digit", 0.1)
    figure = probe_figures.label_efficiency(entry, 0).figure
    points = drawn(figure, "efficiency-0-0")
    cpc = [point.accuracy for point in entry.efficiency if point.features == "CPC c"]
    assert points[:, 0].tolist() == [1, 2, 5, 10, 20, 50, 125] and points[:, 1].tolist() == [value.mean for value in cpc]
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["1", "2", "5", "10", "20", "50", "all"]
    band = np.asarray(figure.axes[0].collections[0].get_paths()[0].vertices)
    for value, x in zip(cpc, points[:, 0], strict=True):
        assert {value.low, value.high} <= set(band[band[:, 0] == x, 1].tolist())


def test_only_all_labels() -> None:
    entry = table("digit", 0.1)
    entry = replace(entry, efficiency=tuple(point for point in entry.efficiency if point.labels_per_class is None))
    figure = probe_figures.label_efficiency(entry, 0).figure
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["all"]


def scatters(plan: EmbeddingMap) -> tuple[PageFigure, dict[str | None, PathCollection]]:
    picture = embedding_map.draw_map(plan)
    return picture, {each.get_gid(): each for each in picture.figure.axes[0].collections if isinstance(each, PathCollection)}


def test_map_shows_each_label_where_it_lies() -> None:
    plan = layout("digit", 10)
    _, groups = scatters(plan)
    assert len(groups) == 10
    for order in range(10):
        expected = plan.points[np.array(plan.labels) == str(order)]
        assert np.asarray(groups[f"map-0-{order}"].get_offsets()).tolist() == expected.tolist()


def test_each_point_of_the_map_says_its_own_key() -> None:
    """The hint of a point stands at that point: heights in the SVG are an affine image of those of the plan."""
    plan = layout("digit", 3, 41)
    found = re.findall(r'y="([\d.]+)"[^>]*><title>take (\d{4})\.wav: (\d)</title>', inline(embedding_map.draw_map(plan)))
    assert len(found) == 41 and all(plan.labels[int(number)] == label for _, number, label in found)
    heights = [(float(y), float(plan.points[int(number), 1])) for y, number, _ in found]
    assert np.corrcoef(np.array(heights).T)[0, 1] < -0.9999
    bare = inline(embedding_map.draw_map(replace(plan, keys=())))
    assert "take" not in bare and bare.count("<title>") == 41, "a map of an older version shows the label"


def test_rare_labels_share_a_colour_and_many_points_are_thinned() -> None:
    picture, groups = scatters(layout("phone", 31, 9001))
    assert len(groups) == embedding_map.MOST_LABELS + 1
    assert str(groups["map-0-other"].get_label()) == "other (19 labels)"
    assert sum(len(np.asarray(each.get_offsets())) for each in groups.values()) == 3001  # every third of 9001
    assert "One point in 3 is drawn" in picture.caption and "9,001 test embeddings" in picture.caption


def test_ranks_and_boundaries_are_dots() -> None:
    (block,) = ranking().blocks
    figure = table_figures.ranking(block, 0).figure
    assert drawn(figure, "mean-rank-0-0")[0, 0] == 0.231 and "chance = 1.0" in figure.axes[0].get_title(loc="left")
    found = segments()
    for picture, name in zip(table_figures.boundaries(found), ("r_value", "f1"), strict=True):
        for place, row in enumerate(found.rows):
            value, gid = getattr(row.one_to_one, name), picture.name.removeprefix("boundaries-")
            assert drawn(picture.figure, f"mean-{gid}-{place}")[0, 0] == value.mean
            assert drawn(picture.figure, f"interval-{gid}-{place}")[:, 0].tolist() == [value.low, value.high]
