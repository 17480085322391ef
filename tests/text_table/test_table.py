"""Tables at most 100 columns wide, whatever stands in them: every number whole, every cell below its header."""

import re
from random import Random

import pytest
from rich.cells import cell_len

from torchcpc.text_table import TextTable, distinct
from torchcpc.text_table.columns import wrapped

NUMBER = re.compile(r"[+-]?\d+\.\d+ \([+-]?\d+\.\d+ to [+-]?\d+\.\d+\)")
LONG = "per-speaker_normalised_MFCC_of_11_frames_with_deltas/and_double_deltas_" * 3
NAMES = {
    "long words": LONG,
    "no place to break": "x" * 301,
    "many words": "random init c of the same network " * 9,
    "wide letters": "話者ごとに正規化した特徴量" * 11,
    "a hash": "9e107d9d372bb6826bd81d3542a419d6" * 4,
    "short": "c",
}


def intervals(rows: int, columns: int, seed: int = 7) -> list[list[str]]:
    draw = Random(seed)
    low = [[draw.uniform(-99, 0) for _ in range(columns)] for _ in range(rows)]
    return [[f"{each + 5:+.1f} ({each:+.1f} to {each + draw.uniform(10, 99):+.1f})" for each in row] for row in low]


@pytest.mark.parametrize("columns", [1, 2, 3, 5, 7, 23])
@pytest.mark.parametrize("head", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_no_line_is_wider_than_100_columns_and_no_interval_is_cut(name: str, head: str, columns: int) -> None:
    cells = intervals(3, columns)
    rows = [[f"{name} {i}", name, *row] for i, row in enumerate(cells)]
    header = [head, head, *(f"{head} {i}" for i in range(columns))]
    text = TextTable(header, rows, f"{name}: {cells[0][0]}", [f"{name} less {head}: {cells[0][0]}."]).text()
    assert max(map(cell_len, text.split("\n"))) <= 100
    found = sorted(NUMBER.findall(text))
    assert found == sorted([cell for row in cells for cell in row] + [cells[0][0]] * 2)


@pytest.mark.parametrize("columns", [3, 11, 31])
def test_cells_stand_below_their_header_in_every_part(columns: int) -> None:
    """Each header and each cell is one short word, so that its place in its part can be read off."""
    rows = [[f"row{i}", *(f"{1000 * i + place}.25" for place in range(columns))] for i in range(5)]
    header = ["name", *(f"column{place}" for place in range(columns))]
    parts = TextTable(header, rows).text().split("\n\n")
    assert len(parts) == {3: 1, 11: 2, 31: 4}[columns]
    seen = []
    for part in parts:
        head, *body = part.split("\n")
        assert len(body) == 5 and head.split()[0] == "name" and [line.split()[0] for line in body] == [row[0] for row in rows]
        for name in head.split()[1:]:
            end, place = head.index(name) + len(name), header.index(name)
            seen.append(place)
            # Columns of numbers end together. "column1" is also the beginning of "column11".
            end = re.search(rf"{name}(?!\d)", head).end()  # pyright: ignore[reportOptionalMemberAccess]
            for row, line in zip(rows, body, strict=True):
                assert line[:end].endswith(f" {row[place]}") and line[end : end + 1] in ("", " ")
    assert seen == list(range(1, columns + 1))


def test_a_wrapped_cell_stays_in_its_column() -> None:
    words = " ".join(f"word{i}" for i in range(29))
    lines = TextTable(("name", "kind", "difference"), [(words, words.upper(), "+0.3 (-5.7 to +6.2)")]).text().split("\n")
    kind, difference = lines[0].index("kind"), lines[0].index("difference")
    assert lines[1][difference:] == "+0.3 (-5.7 to +6.2)" and all(len(line) <= difference for line in lines[2:])
    assert " ".join(line[:kind].strip() for line in lines[1:]).split() == words.split()
    assert " ".join(line[kind:difference].strip() for line in lines[1:]).split() == words.upper().split()


def test_names_are_wrapped_before_a_table_is_cut_in_two() -> None:
    """Four intervals and a name of 60 letters fit side by side; nine intervals do not."""
    (row,) = intervals(1, 9)
    name = "random init c of the same network, normalised by speaker, 256"
    for columns, parts in ((3, 1), (9, 3)):
        shown = TextTable(["name", *map(str, range(columns))], [[name, *row[:columns]]]).text().split("\n\n")
        assert len(shown) == parts and all(part.split("\n")[0].startswith("name") for part in shown)


def test_a_table_of_words_is_cut_in_two_only_if_they_cannot_be_wrapped() -> None:
    for columns, parts in ((9, 1), (11, 2)):
        row = [f"classification{i}" for i in range(columns)]
        assert len(TextTable(row, [row]).text().split("\n\n")) == parts


def test_words_are_cut_behind_a_mark_where_there_is_one() -> None:
    assert wrapped("speaker_normalised/mean", 13) == ["speaker_", "normalised/", "mean"]
    assert wrapped("  indented words stay so", 17) == ["  indented words", "stay so"]
    assert wrapped("of x: +0.3 (-5.7 to +6.2), paired", 21) == ["of x:", "+0.3 (-5.7 to +6.2),", "paired"]
    assert wrapped("", 5) == [""] and wrapped("話者話者話", 5) == ["話者", "話者", "話"]


def test_a_table_without_rows_or_header() -> None:
    assert TextTable(("a", "b"), ()).text() == "a  b"
    assert TextTable((), (), notes=["note: x"]).text() == "note: x"
    assert TextTable((), (("x", "1.5"), ("yy", "12.5"))).text() == "x    1.5\nyy  12.5"


def test_the_same_rows_are_printed_once() -> None:
    first = TextTable(("a", "b"), [("x", "1")], "strict")
    others = [TextTable(("a", "b"), [("x", "1")], "lenient", ["said"]), TextTable(("a", "b"), [("x", "2")], "other"), first]
    shown = [table.text() for table in distinct([first, *others])]
    assert shown == [
        "strict\na  b\nx  1",
        "lenient\nIts rows are those of the table above.\nsaid",
        "other\na  b\nx  2",
        "strict\nIts rows are those of table 1.",
    ]
    empty = TextTable((), (), notes=["note"])
    assert distinct([empty, empty]) == [empty, empty]


@pytest.mark.parametrize("width", range(20, 41))
def test_an_interval_among_words_counts_with_its_spaces(width: int) -> None:
    text = "of one core: 1 to 2 minutes, +0.3 (-5.7 to +6.2) points, 10 to 13 of 7 to 11"
    lines = wrapped(text, width)
    assert max(map(len, lines)) <= width and " ".join(lines) == text
    assert all(sum(whole in line for line in lines) == 1 for whole in ("1 to 2", "+0.3 (-5.7 to +6.2)", "10 to 13", "7 to 11"))
