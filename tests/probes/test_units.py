"""What the intervals of a test take for independent draws."""

import numpy as np
import pytest

from torchcpc.contracts import Item
from torchcpc.data.arrays import Arrays
from torchcpc.probes.question import ProbeSpec
from torchcpc.probes.rows import label_rows, split_clips
from torchcpc.probes.units import independent_units


def sources_of(*items: Item) -> Arrays:
    return Arrays([np.zeros((7, 1), np.float32)] * len(items), items)


def people(column: str, *names: str, group: str = ".", **more: tuple[str, ...]) -> Arrays:
    """A source for each name, with its labels."""
    labels = [{column: name, **{key: value[n] for key, value in more.items()}} for n, name in enumerate(names)]
    return sources_of(*(Item(f"{n}.wav", group, own) for n, own in enumerate(labels)))


def count(sources: Arrays, first_test: int, **how: str) -> dict[str, int]:
    test = range(first_test, len(sources))
    return (made := independent_units(sources, test, range(first_test), **how)).count(made.number_S[list(test)], "recording")


def test_speakers_that_are_new_in_the_test_are_its_units() -> None:
    assert count(people("speaker", *"aabb", *"cccdd"), 4) == {"speaker": 2}


def test_a_speaker_on_both_sides_is_no_unit() -> None:
    assert count(people("speaker", *"aabb", *"abba"), 4) == {"recording": 4}
    # Only the recordings of those who were heard in training count one by one.
    assert count(people("speaker", *"aabb", *"aaccc"), 4) == {"speaker": 1, "recording": 2}


def test_a_spelling_or_a_missing_name_makes_no_new_speaker() -> None:
    assert count(people("speaker", "Ann", "Bob", "ann", "BOB "), 2) == {"recording": 2}
    assert count(people("speaker", "a", "b", "", "", "c", "c"), 2) == {"speaker": 1, "recording": 2}


def test_where_every_source_has_its_own_group_the_source_is_the_unit() -> None:
    assert count(people("speaker", *"ab", *"cde"), 2) == {"recording": 3}


@pytest.mark.parametrize("column", ["Patient ID", "client_id", "subject", "author"])
def test_columns_of_groups_are_known_by_their_names(column: str) -> None:
    assert count(people(column, *"aabb", *"cccdd"), 4) == {column: 2}


@pytest.mark.parametrize("column", ["digit", "speaker_sex", "date", "split"])
def test_other_columns_are_no_groups_unless_an_option_names_them(column: str) -> None:
    sources = people(column, *"aabb", *"cccdd")
    assert count(sources, 4) == {"recording": 5}
    assert count(sources, 4, named=column) == {column: 2}


def test_of_several_columns_the_coarsest_counts() -> None:
    sources = people("speaker", *"aabb", *"ccddee", town=tuple("xxxx" + "yyyyzz"))
    assert count(sources, 4) == {"speaker": 3} and count(sources, 4, named="town") == {"town": 2}


def test_one_value_that_is_tested_on_is_one_unit_unless_new_groups_are_known_in_it() -> None:
    assert count(people("speaker", *"aabb", *"ccc"), 4, named="speaker", value="c") == {"speaker": 1}
    assert count(people("room", *"aabb", *"ccc"), 4, named="room", value="c") == {"room": 1}
    rooms = people("room", *"aabb", *"cccc", speaker=tuple("pqpq" + "rrss"))
    assert count(rooms, 4, named="room", value="c") == {"speaker": 2}
    assert count(people("speaker", *"pqpq", *"rrss", person=tuple("aabb" + "cccc")), 4, named="person", value="c") == {
        "person": 1
    }
    # A part is no unit, whatever its column is called.
    parts = people("subset", *["train"] * 3, *["test"] * 4, speaker=tuple("ppq" + "rrss"))
    assert count(parts, 3, named="subset", value="test") == {"speaker": 2}


def test_folders_group_unless_they_say_which_part_they_are() -> None:
    by_folder = [Item(f"{folder}/{n}.wav", folder) for folder in ("a", "b", "c", "d") for n in range(3)]
    assert count(sources_of(*by_folder), 6) == {"folder": 2}
    parts = [Item(f"{folder}/{n}.wav", folder) for folder in ("train", "test") for n in range(3)]
    assert count(sources_of(*parts), 3) == {"recording": 3}
    flat = [Item(f"{n}.wav", ".") for n in range(5)]
    assert count(sources_of(*flat), 3) == {"recording": 2}


def test_stretches_of_one_file_are_no_independent_units() -> None:
    items = [Item(f"{file}@{n}", f"{file}@{n}", part_of=file) for file in "abc" for n in range(4)]
    assert count(sources_of(*items), 4) == {"file": 2}
    assert count(sources_of(*items), 6) == {"file": 1, "recording": 2}


def test_all_clips_and_steps_of_a_unit_share_its_number() -> None:
    labels = [{"speaker": who, "sex": sex, "split": part} for who, sex, part in WHO]
    sources = sources_of(*(Item(f"{n}.wav", ".", own) for n, own in enumerate(labels)))
    spec = ProbeSpec("sex", clip_seconds=2, unit="frame", validation=0.3)
    split = split_clips(sources, spec)
    rows = label_rows(split, spec, [split.clips.length(i) for i in range(len(split.clips))], 1.0).task
    assert len(rows.test.y_M) == 5 * 6 and len(np.unique(rows.test.source_M)) == 5
    assert split.units.count(rows.test.independent_M, "recording") == {"speaker": 2}
    assert [len(np.unique(rows.test.y_M[rows.test.independent_M == n])) for n in range(2)] == [1, 1]


WHO = [*zip("ababab", "mfmfmf", ["train"] * 6, strict=True), *zip("ccddd", "mmfff", ["test"] * 5, strict=True)]
