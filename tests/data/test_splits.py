"""Splits are by source, disjoint and complete, and stay put when the data grows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.arrays import Arrays, Item
from torchcpc.data.splits import by_column, by_source, halves, hold_out

PARTS = {"train": 0.7, "validation": 0.1, "test": 0.2}


def keys(count: int) -> list[str]:
    return [f"speaker{n % 7}/recording{n}.flac" for n in range(count)]


@pytest.mark.parametrize("count", [3, 4, 7, 101, 1000])
def test_parts_are_disjoint_complete_and_of_the_wanted_size(count: int) -> None:
    parts = by_source(keys(count), PARTS, seed=3)
    assert sorted(chain(*parts.values())) == list(range(count)) and list(parts) == list(PARTS)
    assert all(part == sorted(part) and part for part in parts.values())
    if count >= 7:
        assert all(abs(len(parts[name]) - fraction * count) <= 1 for name, fraction in PARTS.items())


def test_a_split_follows_from_seed_and_keys_not_from_their_order() -> None:
    names = keys(101)
    parts = by_source(names, PARTS, seed=3)
    shuffled = np.random.default_rng(0).permutation(101)
    again = by_source([names[i] for i in shuffled], PARTS, seed=3)
    for name, part in parts.items():
        assert {names[i] for i in part} == {names[shuffled[i]] for i in again[name]}
    assert by_source(names, PARTS, seed=4) != parts


def test_an_added_source_moves_few_others() -> None:
    names = keys(500)
    part_of = {names[i]: name for name, part in by_source(names, PARTS).items() for i in part}
    grown = [*names, "new/recording.flac"]
    moved = [n for name, part in by_source(grown, PARTS).items() for i in part if part_of.get(n := grown[i], name) != name]
    # At each of the two borders between parts, at most one.
    assert len(moved) <= 2


def test_no_part_is_tied_to_the_order_of_names() -> None:
    """A split by position would put all of speaker0 in one part; the mean position of a fair one is the middle."""
    test = by_source([f"{n:04d}" for n in range(1000)], PARTS)["test"]
    assert abs(np.mean(test) - 500) < 5 * 1000 / 12**0.5 / len(test) ** 0.5


@pytest.mark.parametrize(
    ("count", "fractions", "words"),
    [
        (2, PARTS, r"2 sources cannot be split into 3 parts \(train, validation, test\)"),
        (0, {"train": 1.0}, "0 sources cannot be split into 1 part "),
        (9, {"train": 0.7, "test": 0.7}, "they must sum to 1"),
        (9, {"train": 1.5, "test": -0.5}, "lies between 0 and 1"),
        (9, {"train": float("nan"), "test": 1.0}, "lies between 0 and 1"),
    ],
)
def test_impossible_splits_are_refused(count: int, fractions: dict[str, float], words: str) -> None:
    with pytest.raises(CPCError, match=words):
        by_source(keys(count), fractions)


def test_no_wanted_part_is_empty_however_small() -> None:
    parts = by_source(keys(5), {"train": 0.02, "validation": 0.02, "test": 0.96})
    assert [len(part) for part in parts.values()] == [1, 1, 3]
    parts = by_source(keys(5), {"train": 0.96, "validation": 0.02, "test": 0.02})
    assert [len(part) for part in parts.values()] == [3, 1, 1]


def test_a_part_of_fraction_zero_is_empty() -> None:
    assert by_source(keys(5), {"train": 1.0, "test": 0.0}) == {"train": [0, 1, 2, 3, 4], "test": []}


def test_by_column_takes_the_split_that_came_with_the_data() -> None:
    assert by_column(["train", "test", "", "train", "dev"]) == {"train": [0, 3], "test": [1], "": [2], "dev": [4]}


def sources(rows: Sequence[tuple[str, str]]) -> Arrays:
    items = [Item(f"{n}", speaker, {"split": split, "speaker": speaker}) for n, (speaker, split) in enumerate(rows)]
    return Arrays([np.zeros((3, 2), np.float32)] * len(rows), items)


def test_hold_out_touches_nothing_that_is_excluded() -> None:
    data = sources([(f"s{n % 5}", "test" if n % 3 == 0 else "train") for n in range(60)])
    parts = hold_out(data, 7, validation=0.25, exclude=("split=test", "speaker=s4"))
    assert parts.unseen == [n for n in range(60) if n % 3 == 0 or n % 5 == 4]
    assert sorted(chain(*parts)) == list(range(60)) and len(parts.validation) == round(0.25 * (60 - len(parts.unseen)))


def test_hold_out_refuses_rules_that_do_nothing() -> None:
    data = sources([("ann", "train"), ("bob", "train"), ("cid", "train")])
    # Data without a test or a validation part is no fault.
    assert hold_out(data, 0, validation=0.4).unseen == []
    assert hold_out(data, 0, validation=0.4, exclude=("split=test", "split=val")).unseen == []
    for rule, words in [
        ("speaker=anne", r"no source has it \(values of speaker: ann, bob, cid\)"),
        ("spaeker=ann", r"no source has it \(values of spaeker: none\)"),
        ("ann", "expected column=value"),
    ]:
        with pytest.raises(CPCError, match=words):
            hold_out(data, 0, exclude=(rule,))
    with pytest.raises(CPCError, match="leaves no source to train on"):
        hold_out(data, 0, exclude=("split=train",))
    with pytest.raises(CPCError, match=r"split.validation = 1: a fraction"):
        hold_out(data, 0, validation=1)


@pytest.mark.parametrize("counts", [(2, 2), (5, 3, 2), (1, 4), (1, 1, 1, 7), (1, 1)])
def test_halves_give_each_group_to_both_sides(counts: tuple[int, ...]) -> None:
    """A group of two or more is on both sides, differing by at most one source; no source is lost or on both sides."""
    groups = [f"g{number}" for number, count in enumerate(counts) for _ in range(count)]
    first, second = halves(keys(len(groups)), groups, seed=3)
    assert first and second and sorted(first + second) == list(range(len(groups)))
    for number, count in enumerate(counts):
        sides = [sum(groups[i] == f"g{number}" for i in half) for half in (first, second)]
        assert sum(sides) == count and (count == 1 or abs(sides[0] - sides[1]) <= 1)


def test_halves_of_one_group_are_a_split_by_source() -> None:
    parts = by_source(keys(17), {"first": 0.5, "second": 0.5}, seed=5)
    assert halves(keys(17), [""] * 17, seed=5) == (parts["first"], parts["second"])
    with pytest.raises(CPCError, match="1 source cannot be split into two halves"):
        halves(keys(1), [""])
