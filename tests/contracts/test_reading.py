"""Facts about files in words: equal ones in one line, with their number."""

import pytest

from torchcpc.contracts import Skipped, grouped, note_lines, skip_lines
from torchcpc.contracts.reading import MOST_KINDS


def facts(*reasons: str, path: str = "{}.wav") -> list[Skipped]:
    return [Skipped(path.format(number), reason) for number, reason in enumerate(reasons)]


def test_each_kind_of_skip_is_one_line_with_its_number() -> None:
    skipped = facts("silent", "truncated: 6306 of 6406 bytes", "truncated: 17 of 1,023 bytes", "truncated: 1 of 2 bytes")
    assert skip_lines(skipped, 7) == [
        "skipped 4 of 11 files:",
        "  3 files, for instance 1.wav: truncated: 6306 of 6406 bytes",
        "  0.wav: silent",
    ]
    assert skip_lines([], 7) == []


def test_rows_of_a_table_are_rows() -> None:
    rows = facts("empty text", "empty text", path="t.csv row {}")
    assert skip_lines(rows, 3) == ["skipped 2 of 5 rows:", "  2 rows, for instance t.csv row 0: empty text"]
    assert (
        skip_lines([*rows, *facts("silent"), *facts("empty text", path="u.csv line {}")], 3)[0] == "skipped 1 file and 3 rows:"
    )


def test_notes_are_grouped_likewise() -> None:
    notes = [
        *facts("pictures use 6 % of their range", "pictures use 7.5 % of their range"),
        *facts("a column 'Split' is not used"),
    ]
    assert note_lines(notes) == [
        "note: 2 files, for instance 0.wav: pictures use 6 % of their range",
        "note: 0.wav: a column 'Split' is not used",
    ]


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("the same file as /a/b.wav, listed twice", "the same file as c/d.wav, listed twice", True),
        ("column 'a' is constant", 'column "b c" is constant', True),
        ("1e-9 of 3", "-0.5 of 12,000", True),
        ("silent", "Silent", False),
        ("too short", "too long", False),
    ],
)
def test_names_and_numbers_make_no_new_kind(one: str, other: str, alike: bool) -> None:
    assert len(grouped(facts(one, other))) == 1 + (not alike)


def test_many_kinds_are_counted() -> None:
    reasons = [f"because of {'x' * number}" for number in range(MOST_KINDS + 3) for _ in range(2)]
    lines = skip_lines(facts(*reasons), 0)
    assert len(lines) == 1 + MOST_KINDS + 1 and lines[-1] == "  6 more of 3 other kinds"
