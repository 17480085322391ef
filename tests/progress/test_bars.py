"""Progress in a terminal of 80 columns, and of fewer: the numbers stay whole, the note is cut."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from torchcpc.progress.bars import Bars

LONG = "loss 2.53 nats, accuracy 34 %, chance 0.4 %, " + "a recording with a very long name " * 9


def screen(width: int) -> tuple[Console, io.StringIO]:
    shown = io.StringIO()
    return Console(file=shown, force_terminal=True, width=width, color_system=None, soft_wrap=True), shown


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def bars(width: int, name: str = "training", total: int = 1_234_567) -> tuple[Bars, Clock, io.StringIO]:
    """A stage whose end is two days away."""
    console, shown = screen(width)
    made = Bars(console, clock := Clock())
    stage = made.open(name)
    for second in range(3):
        clock.now = float(second)
        made.report(stage, 7 * (second + 1), total, LONG)
    return made, clock, shown


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("name", ["training", "a stage with a name far longer than is usual", "学习" * 20])
def test_the_numbers_are_whole_at_any_width(width: int, name: str) -> None:
    made, _, _ = bars(width, name)
    console, _ = screen(width)
    lines = [line.plain for line in made.__rich_console__(console, console.options)]
    assert "21/1,234,567, 0 %, 2 days 0:59:24 left" in lines[0]
    assert len(lines) == 2 and all(console.measure(line).maximum <= width for line in lines)
    if width >= 60:
        assert lines[1].startswith("  loss 2.53 nats, accuracy 34 %, chance 0.4 %")
    assert lines[1].endswith("…")


def test_a_bar_shows_the_share_where_there_is_room() -> None:
    console, _ = screen(80)
    made = Bars(console, clock := Clock())
    stage = made.open("embedding")
    made.report(stage, 25, 100, "")
    clock.now = 2.0
    (line,) = made.__rich_console__(console, console.options)
    assert line.plain == f"embedding {'━' * 40} 25/100, 25 %, 0:00:02 so far"
    assert [str(span.style) for span in line.spans] == ["green", "dim"] and line.spans[0].end - line.spans[0].start == 10


def test_nothing_is_drawn_for_less_than_a_second_and_nothing_stays() -> None:
    console, shown = screen(80)
    made = Bars(console, clock := Clock())
    stage = made.open("scanning")
    clock.now = 0.9
    made.tick()
    assert shown.getvalue() == ""
    clock.now = 1.0
    made.tick()
    assert "scanning 0:00:01 so far" in shown.getvalue()
    made.write("note: one file skipped")
    made.close(stage)
    assert "note: one file skipped" in shown.getvalue() and shown.getvalue().endswith("\x1b[2K\x1b[?25h\r")


def test_what_is_printed_elsewhere_finds_no_bar() -> None:
    made, _, shown = bars(80)
    made.tick()
    before = len(shown.getvalue())
    made.clear()
    assert "\x1b[2K" in shown.getvalue()[before:]
    made.clear()
    made.tick()
    assert "21/1,234,567" in shown.getvalue()[before:]
