"""One table in every dialect that programs write: the numbers, names and notes are those of the table, whatever the file looks like."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.tables.cells import cells_of, cells_of_large
from torchcpc.data.tables.dialect import dialect_of
from torchcpc.data.tables.read import read_table
from torchcpc.data.tables.table import Table

# Signs, a column of whole numbers, and a zero in front: 7 rows of 3 columns.
VALUES = np.random.default_rng(3).normal(size=(7, 3)).round(3)
VALUES[:, 2] = [11, 2, 5, 3, 7, 13, -17]
VALUES[1, 0], VALUES[2, 1] = -0.125, 0.5
FRAME = pd.DataFrame(VALUES, columns=["p", "q", "r"])
PLAIN = pd.DataFrame(VALUES[:, :2])


def written(folder: Path, content: str | bytes, name: str = "x.csv") -> Table:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(folder / name)


def numbers(table: Table) -> np.ndarray:
    return np.stack([table.numbers(name) for name in table.columns], axis=1)


def numpy_text(**how: object) -> str:
    file = io.StringIO()
    np.savetxt(file, VALUES, **how)  # pyright: ignore[reportArgumentType, reportCallIssue]
    return file.getvalue()


def r_text(separator: str, *, names_above_row_names: bool) -> str:
    header = separator.join(['""'] * names_above_row_names + [f'"{name}"' for name in FRAME])
    rows = (separator.join([f'"{n}"', *map(repr, row)]) for n, row in enumerate(VALUES.tolist(), start=1))
    return "\n".join([header, *rows]) + "\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (FRAME.to_csv(index=False), ""),
        (FRAME.to_csv(), "'' numbers the rows"),
        (FRAME.sample(frac=1, random_state=5).sort_index().to_csv(index_label="index"), "'index' numbers the rows"),
        (FRAME.to_csv(sep=";", decimal=",", index=False), ""),
        (FRAME.to_csv(sep=";", decimal=","), "'' numbers the rows"),
        (FRAME.to_csv(sep="\t", decimal=",", index=False), ""),
        (FRAME.to_csv(sep="|", index=False), ""),
        (FRAME.to_csv(index=False, decimal=",", quoting=1), ""),
        (FRAME.to_csv(index=False).replace("\n", "\r\n"), ""),
        (FRAME.to_csv(index=False).replace("\n", "\r"), ""),
        (FRAME.to_csv(index=False).encode("utf-8-sig"), ""),
        (FRAME.to_csv(index=False).encode("utf-16"), ""),
        ("sep=;\n" + FRAME.to_csv(sep=";", decimal=",", index=False), ""),
        (FRAME.to_csv(index=False).replace("\n", ",\n") + ",,,\n,,,\n", ""),
        (FRAME.to_csv(index=False).replace("p,q,r", " p ,  q,r "), ""),
        (FRAME.to_csv(index=False).replace("p,q,r\n", "p,q,r\nm/s,C,\n"), "units"),
        (r_text(",", names_above_row_names=True), "'' numbers the rows"),
        (r_text(" ", names_above_row_names=False), "no name in the header"),
        (r_text("\t", names_above_row_names=False), "no name in the header"),
        (numpy_text(header="p q r"), ""),
        (numpy_text(header="p,q,r", delimiter=","), ""),
    ],
)
def test_a_table_of_names_and_numbers_is_read_from_every_dialect(tmp_path: Path, content: str | bytes, said: str) -> None:
    table = written(tmp_path, content)
    assert table.columns == ["p", "q", "r"] and not table.short and not table.long
    np.testing.assert_array_equal(numbers(table), VALUES)
    kept = [note for note in table.notes if not note.startswith("its fields are split at")]
    assert (said in " ".join(kept)) if said else not kept


@pytest.mark.parametrize(
    ("content", "columns", "values"),
    [
        (FRAME.to_csv(index=False, header=False), ["0", "1", "2"], VALUES),
        (FRAME.to_csv(header=False), ["1", "2", "3"], VALUES),
        (FRAME.to_csv(sep=";", decimal=",", index=False, header=False), ["0", "1", "2"], VALUES),
        (numpy_text(), ["0", "1", "2"], VALUES),
        (numpy_text(delimiter=",", fmt="%.3f"), ["0", "1", "2"], VALUES),
        (PLAIN.to_csv(), ["0", "1"], VALUES[:, :2]),
        (PLAIN.to_csv(index=False), ["0", "1"], VALUES[:, :2]),
        (PLAIN[0].to_csv(index=False), ["0"], VALUES[:, :1]),
        (PLAIN[0].to_csv(), ["0"], VALUES[:, :1]),
        (PLAIN.rename(columns={0: 400, 1: 410}).assign(**{"420": 0.25}).to_csv(index=False), ["400", "410", "420"], None),
        ("\n".join(f"{x:.3f}".replace(".", ",") for x in VALUES[:, 0]), ["0"], VALUES[:, :1]),
        ("p\n" + "\n".join(f"{x:.3f}".replace(".", ",") for x in VALUES[:, 0]), ["p"], VALUES[:, :1]),
        ("1,2\n3,\n5,6\n", ["0", "1"], np.array([[1, 2], [3, np.nan], [5, 6]])),
        ("0,1\n1,0\n1,1\n", ["0", "1"], np.array([[0, 1], [1, 0], [1, 1]])),
        ("0,1,2\n3,4,5\n6,7,8\n", ["0", "1", "2"], np.arange(9.0).reshape(3, 3)),
    ],
)
def test_headers_of_numbers_are_names_and_rows_of_numbers_are_rows(
    tmp_path: Path, content: str, columns: list[str], values: np.ndarray | None
) -> None:
    table = written(tmp_path, content)
    assert table.columns == columns and table.notes
    if values is not None:
        np.testing.assert_array_equal(numbers(table), values)


def test_numbers_in_the_spellings_of_spreadsheets(tmp_path: Path) -> None:
    table = written(tmp_path, 'a,b,c\n"1,234.5",+2,TRUE\n"-1,000",1e3,false\n−7,.5,NA\n')
    np.testing.assert_array_equal(numbers(table), [[1234.5, 2, 1], [-1000, 1000, 0], [-7, 0.5, np.nan]])
    table = written(tmp_path, "a;b\n1.234,5;2\n-1 000,25;?\n5;0,5\n")
    np.testing.assert_array_equal(numbers(table), [[1234.5, 2], [-1000.25, np.nan], [5, 0.5]])


def test_what_is_no_number_is_named_with_its_line(tmp_path: Path) -> None:
    table = written(tmp_path, "a,b\n1,2\n\n3,high\n")
    with pytest.raises(CPCError, match=r"column 'b' is not of numbers \(for instance 'high' on line 4\)"):
        table.numbers("b")
    with pytest.raises(CPCError, match="no column 'c'"):
        table.numbers("c")
    assert not table.is_word("b") and written(tmp_path, "a,b\n1,x\n2,y\n").is_word("b")


def test_a_table_of_too_many_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CPCError, match="10,007 columns, and at most 10,000 are read"):
        written(tmp_path, ",".join(f"c{n}" for n in range(10_007)) + "\n")


def rows_of(make: Callable[[], str], path: Path) -> tuple[list[list[str]], list[int]]:
    """The cells as the csv module reads them, one by one."""
    content = make()
    path.write_text(content, newline="")
    dialect = dialect_of(content, tabs=False)
    rows = dialect.rows(io.StringIO(content, newline=""))
    first = next(rows)
    slow = cells_of(dialect, len(first[1]), rows, first)
    fast = cells_of_large(path, dialect, len(first[1]), first[0], large=0)
    if fast is not None:
        assert [column.to_pylist() for column in fast.columns] == [column.to_pylist() for column in slow.columns]
        assert list(fast.lines) == list(slow.lines) and not slow.short and not slow.long
    return [column.to_pylist() for column in slow.columns], [fast is not None]


def test_the_fast_way_reads_what_the_csv_module_reads(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    words = ["a", "", '"b,c"', '"d""e"', "f g", " h ", "é", "NA", '"two\nlines"', "1.5"]
    taken = []
    for trial in range(97):
        width, count = int(rng.integers(2, 6)), int(rng.integers(1, 12))
        rows = [",".join(rng.choice(words, size=width - (rng.random() < 0.03))) for _ in range(count)]
        ends = ["\n", "\r\n"][trial % 2]
        content = ends.join([",".join(f"c{n}" for n in range(width)), *rows]) + ends * (trial % 3)
        taken += rows_of(lambda content=content: content, tmp_path / "x.csv")[1]
    # It takes those that are regular, and leaves the others to the slow way.
    assert 0.1 < np.mean(taken) < 0.95


def test_what_was_decided_is_said(tmp_path: Path) -> None:
    table = written(tmp_path, "a;b;kind\n1,5;?;x\n2,5;NA;nan\n0,5;3;y\n")
    assert table.notes == ("its fields are split at ';'",)
    assert table.number_notes(["a", "b"]) == ["its numbers have decimal commas", "'?', 'NA' is read as missing"]
    assert table.label_notes(["a", "b"]) == ["in the column 'kind' 'nan' is read as a missing label"]
    plain = written(tmp_path, "a,kind\n1.5,x\n,y\n")
    assert plain.notes == () and not plain.number_notes(["a"]) and not plain.label_notes([])
