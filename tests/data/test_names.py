"""Names are compared in one way: case, blanks and accents apart; and a test part is never trained on, however it is spelled."""

from __future__ import annotations

import random
import unicodedata

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.arrays import Arrays, Item
from torchcpc.data.labels import label_notes
from torchcpc.data.names import alike, clean, matching, part_of, part_of_file, same_names, variants
from torchcpc.data.splits import given_parts, hold_out
from torchcpc.probes.question import ProbeSpec
from torchcpc.probes.rows import split_clips

BLANKS = ("", " ", "  ", "\t", "\u00a0", "\u3000", "\u200b", "\ufeff")


def varied(word: str, rng: random.Random) -> str:
    """The word in random case, between random blanks, sometimes in wide letters."""
    letters = "".join(rng.choice((str.upper, str.lower))(letter) for letter in word)
    if rng.random() < 0.2:
        letters = "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in letters)
    return rng.choice(BLANKS) + letters + rng.choice(BLANKS)


def sources(labels: list[dict[str, str]]) -> Arrays:
    items = [Item(f"{n:03d}", "all", of_one) for n, of_one in enumerate(labels)]
    return Arrays([np.full((3, 2), n, np.float32) for n in range(len(labels))], items)


@pytest.mark.parametrize("seed", range(30))
def test_no_spelling_of_a_test_part_leaks_into_training(seed: int) -> None:
    rng = random.Random(seed)
    words = {
        "test": ("test", "testing", "eval", "held-out", "test-clean", "Test set 2"),
        "train": ("train", "training", "train_360"),
    }
    words |= {"validation": ("val", "valid", "validation", "dev")}
    parts = [rng.choice(tuple(words)) for _ in range(47)] + ["test", "train", "train", "validation"]
    column = [varied("split", rng) for _ in parts]
    data = sources(
        [
            {name: varied(rng.choice(words[part]), rng), "who": str(n % 2)}
            for n, (name, part) in enumerate(zip(column, parts, strict=True))
        ]
    )
    tested = {n for n, part in enumerate(parts) if part == "test"}
    held = hold_out(data, seed)
    assert set(held.unseen) == tested and tested.isdisjoint({*held.train, *held.validation})
    validated = {n for n, part in enumerate(parts) if part == "validation"}
    assert set(hold_out(data, seed, exclude=("split=test", "split=val")).unseen) == tested | validated
    assert [part == "test" for part in given_parts(data) or []] == [n in tested for n in range(len(parts))]
    split = split_clips(data, ProbeSpec("who"))
    assert {clip.source for clip, part in zip(split.clips.items, split.part, strict=True) if part == "test"} == tested


def test_a_value_that_names_no_part_is_not_trained_on_beside_those_that_do() -> None:
    data = sources([{"split": value} for value in ("train", "train", "train", "tset", "test", "", "public")])
    held = hold_out(data)
    assert held.unseen == [3, 4, 6]  # without a value: as without a split
    assert given_parts(data) == ["train", "train", "train", "", "test", "", ""]
    assert [n.path for n in label_notes(data.items) if "names no part" in n.reason] == [
        "column 'split': 'public'",
        "column 'split': 'tset'",
    ]
    # Where no value is known the column is no split, and says so once.
    data = sources([{"split": value} for value in "ABAB"])
    assert hold_out(data).unseen == [] and given_parts(data) is None
    assert [(n.path, "not a split" in n.reason) for n in label_notes(data.items)] == [("column 'split' (A, B)", True)]


def test_rules_of_exclusion_are_compared_alike() -> None:
    data = sources([{"Speaker ": name} for name in ("Anna", "anna ", "Bob", "cid")])
    assert hold_out(data, exclude=("speaker=ANNA",)).unseen == [0, 1]
    with pytest.raises(CPCError, match="no source has it"):
        hold_out(data, exclude=("speaker=ann",))


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("train", "train"),
        ("trainval", "train"),
        ("dev-test", "test"),
        ("train/test", "test"),
        ("Held Out", "test"),
        ("t e s t", "test"),
        ("devel", "validation"),
        ("dev2", "validation"),
        ("unlabelled", "unlabeled"),
        ("", ""),
        ("3", ""),
        ("tset", ""),
        ("A", ""),
    ],
)
def test_parts_by_many_words(value: str, part: str) -> None:
    assert part_of(value) == part


def test_names_of_files_are_taken_by_whole_words() -> None:
    said = {
        "train": "train",
        "digits_Train": "train",
        "test-clean": "test",
        "x.test": "test",
        "latest": "",
        "train_test": "",
        "devices": "",
    }
    assert {name: part_of_file(name) for name in said} == said


def test_alike_same_and_matching() -> None:
    assert alike(" Straße  Ünï ") == alike(unicodedata.normalize("NFD", "STRASSE ünï")) != alike("strase uni")
    assert same_names("dog", ["Dog", "cat", "dog", " DOG"]) == ["dog", "Dog", " DOG"]
    assert matching("dog", ["Dog", "dog"]) == {"dog"} and matching("dog", ["Dog", "DOG", "cat"]) == {"Dog", "DOG"}
    assert clean(None) == "" and clean(" 7\t") == "7" and clean(unicodedata.normalize("NFD", "é")) == "é"
    assert variants(["b", "Dog", "dog", "B", "dog"]) == [["B", "b"], ["Dog", "dog"]]


def test_labels_come_whatever_the_case_of_their_column() -> None:
    data = sources([{"Digit ": " 7"}, {"digit": "3 "}, {"DIGIT": "", "digit": "5"}, {}])
    assert data.labels("digit") == data.labels("DIGIT") == ["7", "3", "5", ""]


def test_what_differs_by_case_alone_is_reported_and_stays_apart() -> None:
    data = sources([{"animal": name, "Town": "x"} for name in ("Dog", "dog", "cat", "Cat ", "cat")] + [{"town": "y"}])
    notes = {note.path for note in label_notes(data.items)}
    assert notes == {"columns 'Town' and 'town'", "column 'animal': 'Cat' and 'cat'", "column 'animal': 'Dog' and 'dog'"}
    assert data.labels("animal") == ["Dog", "dog", "cat", "Cat", "cat", ""] and data.labels("town") == ["x"] * 5 + ["y"]
    # Texts that differ by case are no classes.
    spoken = [{"text": f"{'Yes' if n % 2 else 'yes'} {n // 2}"} for n in range(60)]
    assert label_notes(sources(spoken).items) == []


def test_a_split_under_another_name_and_odd_values_are_reported() -> None:
    notes = label_notes(sources([{"subset": "train"}, {"subset": "test"}]).items)
    assert [note.path for note in notes] == ["column 'subset'"] and "rename it" in notes[0].reason
    notes = label_notes(sources([{"split": "train"}, {"split": "eval-2"}, {"split": ""}]).items)
    assert [(note.path, note.reason[:15]) for note in notes] == [
        ("column 'split': 'eval-2'", "it is read as t"),
        ("column 'split'", "sources without"),
    ]
    assert label_notes(sources([{"split": "Train "}, {"split": "TEST"}]).items) == []
