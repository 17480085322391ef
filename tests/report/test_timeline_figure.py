"""The timeline of a source as drawn: lines against numbers, marks, the shuffled stretch, and what cannot be drawn."""

from pathlib import Path

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.information.result import Timeline
from torchcpc.report import information_figures, panel

from .fabricate import timeline


def lines(content: Timeline) -> dict[str, np.ndarray]:
    with panel.figure_style():
        figure = information_figures.timeline(content).figure
    return {str(line.get_gid()): np.asarray(line.get_xydata(), float) for line in figure.axes[0].lines if line.get_gid()}


def test_lines_are_the_numbers() -> None:
    content = timeline(steps=701)
    assert content.shuffled is not None
    found = lines(content)
    for row, k in enumerate((1, 2)):
        drawn = found[f"timeline-k{k}"]
        np.testing.assert_array_equal(drawn[:, 0], np.arange(701))
        np.testing.assert_array_equal(drawn[:, 1], content.pmi[row])
        assert np.isnan(drawn[:k, 1]).all() and not np.isnan(drawn[k:, 1]).any()
        mixed = found[f"timeline-shuffled-k{k}"]
        np.testing.assert_array_equal(mixed[:, 0], np.arange(300, 500))
        np.testing.assert_array_equal(mixed[:, 1], content.shuffled.pmi[row][300:500])


def test_captions_and_marks() -> None:
    with panel.figure_style():
        plain = information_figures.timeline(timeline(shuffled=False, marks=3))
        many = information_figures.timeline(timeline(marks=500))
    assert "shaded" not in plain.caption and "shaded" in many.caption
    assert "3 headings." in plain.caption and len(plain.figure.axes[0].texts) == 3
    assert "500 headings, not all of which are drawn" in many.caption and len(many.figure.axes[0].texts) <= 14


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_saved_alone(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"c.{ending}"
    panel.save(path, information_figures.timeline, timeline())
    assert path.stat().st_size > 1000 and list(tmp_path.iterdir()) == [path]
    with pytest.raises(CPCError, match=r"'\.gif'"):
        panel.save(tmp_path / "c.gif", information_figures.timeline, timeline())
