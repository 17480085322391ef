"""Labels that cannot be classes, and names that are unknown: what is said of them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.alignment import Alignment
from torchcpc.data.arrays import Arrays, Item
from torchcpc.probes import columns
from torchcpc.probes.columns import check_suited, column_values
from torchcpc.probes.cross_validation import folded_task
from torchcpc.probes.question import ProbeSpec
from torchcpc.probes.rows import label_rows, split_clips

COUNT = 97


def sources(**columns: list[str]) -> Arrays:
    items = [Item(str(n), f"g{n % 5}", {name: values[n] for name, values in columns.items()}) for n in range(COUNT)]
    return Arrays([np.zeros((7, 1), np.float32)] * COUNT, items)


WORLD = sources(
    text=[f"sentence {n}" for n in range(COUNT)],
    seconds=[f"{1 + n % 41 / 7:.2f}" for n in range(COUNT)],
    comma=[f"{n / 8}".replace(".", ",") for n in range(COUNT)],
    digit=[str(n % 11) for n in range(COUNT)],
    speaker=[f"s{n % 47}" for n in range(COUNT)],
    dose=[f"{0.5 * (n % 3)}" for n in range(COUNT)],
    pair=[f"p{n // 2}" if n < 50 else f"q{n}" for n in range(COUNT)],  # 47 of 97 are alone, which is not most of them
)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("text", "97 different values in 97 sources, 97 of them in one source only"),
        ("seconds", "41 different numbers in 97 sources, which measure something"),
        ("comma", "97 different numbers in 97 sources"),
    ],
)
def test_what_is_no_class_is_refused_with_the_columns_that_are(column: str, said: str) -> None:
    with pytest.raises(CPCError, match=f"label '{column}' is unsuited to classification: {said}") as refused:
        check_suited(column, WORLD)
    named = re.findall(r"(\w+) \(\d+ classes\)", str(refused.value))
    assert set(named) == {"digit", "speaker", "dose", "pair", "group"}


@pytest.mark.parametrize("column", ["digit", "speaker", "dose", "pair"])
def test_classes_are_none_the_worse_for_being_numbers_or_many(column: str) -> None:
    check_suited(column, WORLD)


def test_within_recordings_a_class_may_be_of_one() -> None:
    """Which recording is it: every recording trains and tests."""
    spec = ProbeSpec("text", within=0.5)
    label_rows(split_clips(WORLD, spec), spec, [7] * 3 * COUNT, 0.1)
    with pytest.raises(CPCError, match="different numbers"):
        spec = ProbeSpec("seconds", within=0.5)
        label_rows(split_clips(WORLD, spec), spec, [7] * 3 * COUNT, 0.1)


def test_both_designs_and_alignments_are_checked() -> None:
    with pytest.raises(CPCError, match="unsuited"):
        folded_task(WORLD, ProbeSpec("text", folds=3))
    spec = ProbeSpec("text")
    with pytest.raises(CPCError, match="unsuited"):
        label_rows(split_clips(WORLD, spec), spec, [7] * COUNT, 0.1)
    edges_s = np.arange(6) / 10
    spans = {str(n): (edges_s[:-1], edges_s[1:], np.arange(5) + 5 * n) for n in range(COUNT)}
    spec = ProbeSpec("word", Alignment(tuple(map(str, range(5 * COUNT))), spans))
    with pytest.raises(CPCError, match="485 different values in 485 intervals, 485 of them in one interval only. Name another"):
        label_rows(split_clips(WORLD, spec), spec, [7] * COUNT, 0.1)


def test_unknown_names_come_with_all_and_the_nearest() -> None:
    with pytest.raises(CPCError, match="Their labels: comma, digit, .*text. Did you mean 'digit'?"):
        column_values(WORLD, "DIGITS", "label")
    with pytest.raises(CPCError, match=r"Values of digit: 0, 1, 10, .*, \.\.\."):
        columns.tested_values(WORLD, "digit", "11")
    with pytest.raises(CPCError, match="Did you mean 's1'?"):
        columns.tested_values(WORLD, "speaker", "s 1")
