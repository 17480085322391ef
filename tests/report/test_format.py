"""Numbers and names as words, checked by hand."""

import math

import pytest

from torchcpc.report import format


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (3.14159, "3.14"),
        (23.71, "23.7"),
        (0.00123456, "0.00123"),
        (-2.5, "−2.50"),
        (12345.6, "12,346"),
        (1.5e-7, "1.50e−07"),
        (math.nan, "not a number"),
        (-math.inf, "−∞"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert format.number(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.5, "50.0 %"),
        (1 / 512, "0.20 %"),
        (0.9968, "99.68 %"),
        (1.0, "100.0 %"),
        (0.0, "0.0 %"),
        (math.nan, "not a number"),
    ],
)
def test_percent(share: float, text: str) -> None:
    assert format.percent(share).replace("\N{NO-BREAK SPACE}", " ") == text


def test_a_nat_is_one_and_almost_a_half_bits() -> None:
    assert format.bits(math.log(8)) == "3.00" and format.nats(math.log(8)) == "2.08"


@pytest.mark.parametrize(("hours", "text"), [(0.005, "18.0 s"), (0.182, "11 min"), (1.99, "119 min"), (100.0, "100 h")])
def test_duration(hours: float, text: str) -> None:
    assert format.duration(hours) == text


def test_small_words() -> None:
    assert (
        format.count(1500) == "1,500"
        and format.plural(1, "group") == "1 group"
        and format.plural(1234, "file") == "1,234 files"
    )
    assert (
        format.between((0.01, 0.01)) == "0.01" and format.between((1, 0.01, 0.1)) == "0.01 to 1" and format.between(()) == "–"
    )


def test_names_fit_on_a_line_of_utf8() -> None:
    assert format.printable("a\nb\x00\tc\udcff") == "a\\nb\\x00\\tc\\udcff"
    assert format.lines("a name of several words", 10) == "a name of\nseveral\nwords" and format.lines("short") == "short"
    assert format.lines("x" * 50, 10, 2) == "x" * 10 + "\n" + "x" * 9 + "…"
    assert format.points(0.0512) == "+5.1" and format.points(-0.0) == "+0.0" and format.points(-0.125, digits=2) == "−12.50"
