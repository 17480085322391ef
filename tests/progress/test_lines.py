"""Progress in a job log: when lines come, on a clock of the test's own, and how wide they are."""

from __future__ import annotations

import io
import sys
import time

import pytest

from torchcpc.progress.lines import Lines
from torchcpc.progress.terminal import Terminal

NOTE = "loss 2.53 nats, accuracy 3.4 %, chance 0.4 %, 12345 seconds of audio per second"


class Log:
    """Lines that are ticked once a second of its clock, as their thread does."""

    def __init__(self) -> None:
        self.now, self.said = 100.0, list[tuple[float, str]]()
        self.lines = Lines(lambda text: self.said.append((self.now - 100, text)), lambda: self.now)

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1
            self.lines.tick()

    def times(self) -> list[float]:
        return sorted({at for at, _ in self.said})


def test_the_first_line_comes_within_30_seconds_though_nothing_was_reported() -> None:
    log = Log()
    log.lines.open("scanning")
    log.wait(400)
    assert log.said[0] == (10, "scanning: 0:00:10 so far")
    assert log.times() == [10, 30, 60, 120, 180, 240, 300, 360]


def test_a_line_has_numbers_and_note_in_80_columns() -> None:
    log = Log()
    stage = log.lines.open("training")
    for step in range(1, 10):
        log.now += 1
        log.lines.report(stage, step * 100, 8000, NOTE)
    log.wait(1)
    assert [text for _, text in log.said] == ["training: 900/8,000, 11 %, 0:01:11 left", NOTE] and len(NOTE) <= 80
    log.lines.report(stage, 1000, 8000, "3 of 5")
    log.wait(20)
    assert log.said[-1] == (30, "training: 1,000/8,000, 12 %, 0:01:10 left; 3 of 5")
    log.lines.report(stage, 1001, 8000, "long " * 99)
    log.wait(30)
    assert max(len(text) for _, text in log.said) == 80 and log.said[-1][1].endswith("...")


def test_short_stages_in_a_row_are_not_silent_together() -> None:
    log = Log()
    base = log.lines.open("cpc probe", base=True)
    for number in range(40):
        stage = log.lines.open(f"row {number}")
        log.wait(7)
        log.lines.close(stage)
    assert log.times()[0] <= 10 and max(b - a for a, b in zip(log.times(), log.times()[1:], strict=False)) <= 60
    log.lines.close(base)


def test_each_stage_is_announced_within_30_seconds_of_its_begin() -> None:
    log = Log()
    log.lines.open("cpc train", base=True)
    first = log.lines.open("scanning")
    log.wait(125)
    log.lines.close(first)
    log.lines.open("training")
    log.wait(70)
    assert min(at for at, text in log.said if text.startswith("training")) - 125 <= 30
    assert (125, "scanning: ended after 0:02:05") in log.said


def test_a_stage_that_comes_again_and_again_is_no_flood() -> None:
    log = Log()
    log.lines.open("cpc probe", base=True)
    for _ in range(60):
        stage = log.lines.open("embedding")
        log.wait(15)
        log.lines.close(stage)
    assert len([text for _, text in log.said if "so far" in text]) <= 3 + 900 / 60


def test_the_command_itself_is_shown_only_between_stages() -> None:
    log = Log()
    log.lines.open("cpc embed", base=True)
    log.wait(11)
    assert log.said == [(10, "cpc embed: 0:00:10 so far")]
    log.lines.open("embedding")
    log.wait(60)
    assert {text.partition(":")[0] for _, text in log.said[1:]} == {"embedding"}


def test_a_short_stage_says_nothing() -> None:
    log = Log()
    stage = log.lines.open("scanning")
    log.wait(9)
    log.lines.close(stage)
    assert log.said == []


def test_a_step_that_blocks_for_long_is_told_by_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchcpc.progress.lines.FIRST_S", 0.05)
    monkeypatch.setattr(Lines, "EVERY_S", 0.02)
    monkeypatch.setattr(sys, "stderr", shown := io.StringIO())
    with Terminal().stage("loading \x1b[2J") as progress:
        progress(0, 7, "file a\nb")
        deadline = time.monotonic() + 20
        while not shown.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert shown.getvalue().startswith("loading \\x1b[2J: 0/7, 0 %, 0:00:00 so far; file a\\nb\n")


def test_a_closed_stream_does_not_end_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchcpc.progress.lines.FIRST_S", 0.0)
    monkeypatch.setattr(Lines, "EVERY_S", 0.01)

    def closed(text: str) -> None:
        raise BrokenPipeError

    with Terminal(Lines(closed)).stage("training") as progress:
        time.sleep(0.1)
        progress(1, 2)


def test_a_process_that_is_not_the_first_says_nothing() -> None:
    log = Log()
    terminal = Terminal(log.lines)
    with terminal.working("cpc train"):
        terminal.mute()
        with terminal.stage("scanning") as progress:
            progress(1, 2)
        terminal.note("note: other")
        assert [stage.name for stage in log.lines.stages] == ["cpc train"] and log.lines.muted
    assert log.said == []
