"""The course of a source as drawn: lines against numbers, marks, the shuffled stretch, and what cannot be drawn."""

import copy
from pathlib import Path

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.report import panel, ranking_table, timeline_figure

from .fabricate import course, ranking


def lines(content: dict) -> dict[str, np.ndarray]:
    with panel.house():
        figure = timeline_figure.draw(Path("course.json"), content).figure
    return {str(line.get_gid()): np.asarray(line.get_xydata(), float) for line in figure.axes[0].lines if line.get_gid()}


def test_lines_are_the_numbers() -> None:
    content = course(steps=701)
    found = lines(content)
    for row, k in enumerate((1, 2)):
        drawn = found[f"course-k{k}"]
        np.testing.assert_array_equal(drawn[:, 0], np.arange(701))
        np.testing.assert_allclose(drawn[k:, 1], content["pmi"][row][k:])
        assert np.isnan(drawn[:k, 1]).all()
        mixed = found[f"course-shuffled-k{k}"]
        np.testing.assert_array_equal(mixed[:, 0], np.arange(300, 500))
        np.testing.assert_allclose(mixed[:, 1], content["shuffled"]["pmi"][row][300:500])


def test_captions_and_marks() -> None:
    with panel.house():
        plain = timeline_figure.draw(Path("course.json"), course(shuffled=False, marks=3))
        many = timeline_figure.draw(Path("course.json"), course(marks=500))
    assert "shaded" not in plain.caption and "Upright lines are 3 headings." in plain.caption
    assert len(plain.figure.axes[0].texts) == 3
    assert "500 headings, not all of which are drawn" in many.caption and len(many.figure.axes[0].texts) <= 14


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_saved_alone(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"c.{ending}"
    panel.save(path, lambda: timeline_figure.picture(course()).figure)
    assert path.stat().st_size > 1000
    with pytest.raises(CPCError, match="cannot draw a '.gif' file"):
        panel.save(tmp_path / "c.gif", lambda: timeline_figure.picture(course()).figure)


def test_damaged_files_are_named() -> None:
    broken = copy.deepcopy(course())
    del broken["pmi"]
    with pytest.raises(CPCError, match="course.json is not the course of a source"):
        timeline_figure.draw(Path("course.json"), broken)
    wrong = ranking()
    wrong["blocks"][0]["rows"][0]["rank"] = None
    with pytest.raises(CPCError, match="ranking.json is not a table of ranks"):
        ranking_table.numbers(Path("ranking.json"), wrong)
