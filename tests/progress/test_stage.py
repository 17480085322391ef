"""The numbers of a stage: done, share and the time to the end, on a clock of the test's own."""

from __future__ import annotations

import pytest

from torchcpc.progress.stage import Stage, clock


def test_steady_work_ends_when_it_says() -> None:
    stage = Stage("embedding", began=0.0)
    for done in range(17):
        stage.report(100.0 + 7 * done, done, 1009)
    assert stage.left_s(212.0) == pytest.approx(7 * (1009 - 16))
    assert stage.numbers(212.0) == "16/1,009, 1 %, 1:55:51 left"
    # While an item is at work the time passes, though not beyond that item.
    assert stage.left_s(215.0) == pytest.approx(7 * 993 - 3) and stage.left_s(999.0) == pytest.approx(7 * 992)


def test_what_was_known_before_is_no_speed() -> None:
    stage = Stage("scanning", began=0.0)
    stage.report(1.0, 900, 1000)
    assert stage.left_s(1.0) is None and stage.numbers(3.0) == "900/1,000, 90 %, 0:00:03 so far"
    stage.report(11.0, 910, 1000)
    assert stage.left_s(11.0) == pytest.approx(90.0)


def test_the_first_of_few_items_is_timed_from_the_begin() -> None:
    stage = Stage("probing", began=5.0)
    stage.report(25.0, 1, 11)
    assert stage.left_s(25.0) == pytest.approx(200.0)


def test_the_speed_is_that_of_the_last_minutes() -> None:
    stage = Stage("scoring", began=0.0)
    for second in range(1000):
        stage.report(float(second), 100 * second, 10**6)
    for second in range(1, 1001):
        stage.report(999.0 + second, 99_900 + second, 10**6)
    assert stage.left_s(1999.0) == pytest.approx(1e6 - 100_900, rel=0.02)


def test_items_of_another_kind_have_a_speed_of_their_own() -> None:
    stage = Stage("training", began=0.0)
    stage.report(1.0, 0, 50)
    stage.report(2.0, 50, 50)
    stage.report(3.0, 0, 400)
    assert stage.left_s(3.0) is None
    stage.report(5.0, 1, 400)
    assert stage.left_s(5.0) == pytest.approx(2 * 399)


@pytest.mark.parametrize(
    ("done", "total", "shown"),
    [
        (0, 0, "0:00:12 so far"),
        (1234, None, "1,234, 0:00:12 so far"),
        (999, 1000, "999/1,000, 99 %, 0:00:12 so far"),
        (31, 31, "31/31, 100 %, 0:00:12 so far"),
    ],
)
def test_what_is_not_known_is_not_shown(done: int, total: int | None, shown: str) -> None:
    stage = Stage("reading", began=0.0)
    stage.report(3.0, done, total)
    assert stage.numbers(12.0) == shown


def test_times_are_read_as_clocks() -> None:
    assert [clock(s) for s in (0.4, 61, 3 * 3600 + 125, 86_400, 2 * 86_400 + 3600)] == [
        *("0:00:00", "0:01:01", "3:02:05", "1 day 0:00:00", "2 days 1:00:00")
    ]
