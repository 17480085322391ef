"""What a setting may be, in words and as a check."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import pytest
from annotated_types import Ge, Gt, Le, Lt, MinLen

from torchcpc.contracts import Count, OneOf, Positive, Share, Size, Whole
from torchcpc.settings.rules import checked, rule

COLOURS = Annotated[str, OneOf({"red": 1, "green": 2})]


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (bool, "true or false"),
        (Count, "whole number, at least 1"),
        (Whole, "whole number, at least 0"),
        (Size, "whole number, 1 to 1,048,576"),
        (Positive, "number, above 0"),
        (Share, "number, 0 to 1"),
        (Annotated[float, Gt(0), Lt(1)], "number, above 0 and below 1"),
        (Annotated[Positive, Le(1e4)], "number, above 0 and at most 10,000"),
        (COLOURS, "one of red, green"),
        (Annotated[Sequence[Count], MinLen(1)], "list that is not empty, each entry: whole number, at least 1"),
        (Sequence[COLOURS], "list, each entry: one of red, green"),
        (list[str], "list, each entry: text"),
        (object, ""),
    ],
)
def test_words(annotation: object, words: str) -> None:
    assert rule(annotation) == words


@pytest.mark.parametrize(
    ("value", "annotation", "kept"),
    [
        (3, Count, 3),
        ("3", Count, 3),
        (3.0, Count, 3),
        (1, Share, 1.0),
        ("green", COLOURS, "green"),
        ([1, 2], Sequence[Count], [1, 2]),
        (True, bool, True),
        ("speaker=anna", Sequence[str], ["speaker=anna"]),
        ("", Sequence[str], []),
        ("red", Sequence[COLOURS], ["red"]),
    ],
)
def test_what_keeps_its_rule(value: object, annotation: object, kept: object) -> None:
    assert checked(value, annotation) == (kept, "")


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        *[(value, Count) for value in (0, -3, 1.5, "x", "", None, True, [], [1], math.nan, math.inf, {})],
        *[(value, Share) for value in (-0.1, 1.1, math.nan, "x", True)],
        *[([value], Sequence[Count]) for value in (0, "x", 1.5, math.nan)],
        (0, Positive),
        (5, COLOURS),
        ("", COLOURS),
        ([], Annotated[Sequence[Count], MinLen(1)]),
    ],
)
def test_what_breaks_its_rule_is_told_by_it(value: object, annotation: object) -> None:
    assert checked(value, annotation)[1] == rule(annotation)


def test_the_likely_choice_is_named() -> None:
    assert checked("gren", COLOURS)[1] == "one of red, green. Did you mean 'green'?"


def test_no_number_is_beyond_what_can_be_counted() -> None:
    assert "at most 4,294,967,295" in checked(1 << 32, Annotated[int, Ge(1)])[1]
    assert "finite" in checked(math.inf, float)[1]
