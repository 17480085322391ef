"""The one way from a file to a table.

A .csv or .tsv file is read as its first lines indicate, a .parquet file with its types. Delimiter, header and counting
columns are decided here, once. `Table.notes` names the guesses.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from torchcpc.contracts import CPCError
from torchcpc.data.files.limits import check_columns
from torchcpc.data.files.parquet import load_parquet
from torchcpc.data.tables import text_columns as text
from torchcpc.data.tables.cells import cells_of, cells_of_large
from torchcpc.data.tables.dialect import Dialect, dialect_of
from torchcpc.data.tables.table import Table
from torchcpc.data.tables.typed import is_text

# Longest field that the csv module accepts, in the C long of any platform. Its default is a tenth of a novel.
_LONGEST_FIELD = (1 << 31) - 1
# Characters from which the dialect is determined.
_HEAD = 1 << 18
# Names that programs give to a column that numbers the rows.
COUNTERS = ("", "index", "unnamed: 0", "unnamed: 0.1", "level_0", "rownames", "row.names", "row_names", "__index_level_0__")


def read_table(path: Path) -> Table:
    """Read the table in a file.

    Args:
        path: A .tsv file, split at tabs; a .csv file, split as its first lines indicate; or a .parquet file.

    Raises:
        CPCError: If the file is not a readable table, or has more than 10,000 columns.
    """
    return _parquet(path) if path.suffix.lower() == ".parquet" else _text(path)


def _text(path: Path) -> Table:
    usual = csv.field_size_limit(_LONGEST_FIELD)
    try:
        with path.open("rb") as file:
            encoding = "utf-16" if file.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        with path.open(encoding=encoding, newline="") as file:
            head = file.read(_HEAD)
            whole = head if len(head) < _HEAD else head[: head.rfind("\n") + 1] or head
            if "\0" in head:
                raise csv.Error("it holds NUL characters, which no text has")
            dialect = dialect_of(whole, tabs=path.suffix.lower() == ".tsv")
            file.seek(0)
            return _columns(path, dialect, dialect.rows(file))
    except (OSError, UnicodeError, csv.Error) as error:
        raise CPCError(f"{path} is not a readable UTF-8 table: {error}. Save it as UTF-8, with a header.") from None
    finally:
        csv.field_size_limit(usual)  # the limit holds for the whole process


def _columns(path: Path, dialect: Dialect, rows: Iterator[tuple[int, list[str]]]) -> Table:
    first = next(((line, row) for line, row in rows if row), None)
    if first is None:
        return Table(path, [], [], [])
    names = (
        dialect.names(first[1]) if dialect.header else [str(n) for n in range(len(first[1]) // (2 if dialect.joined else 1))]
    )
    try:
        check_columns(len(names))
    except CPCError as error:
        raise CPCError(f"{path}: {error}.") from None
    found = cells_of_large(path, dialect, len(names), first[0]) or cells_of(dialect, len(names), rows, first)
    # Rows of blanks at the end of a file are not rows.
    ends = [np.flatnonzero(~text.among(column, ("",))) for column in found.columns]
    end = max((int(rows[-1]) + 1 for rows in ends if len(rows)), default=0)
    # Spreadsheets end every line with a delimiter if a column next to the table was ever filled.
    kept = [n for n, name in enumerate(names) if name or len(ends[n])]
    table = Table(
        path,
        [names[n] for n in kept],
        [found.columns[n].slice(0, end) for n in kept],
        found.lines[:end],
        dialect.notes,
        tuple(row for row in found.short if row < end),
        tuple(row for row in found.long if row < end),
        between_commas=dialect.delimiter == "," and not dialect.joined,
    )
    numbered = len(kept) > 1 and (_numbers_rows(table, 0) if dialect.header else _counts_from_one(table.cells[0]))
    return _without_counters(table, [0] if numbered else [])


def _without_counters(table: Table, counters: Sequence[int]) -> Table:
    """Return the table without the columns that number its rows, with a note about each."""
    kept = [n for n in range(len(table.columns)) if n not in counters]
    said = (f"the column {table.columns[n]!r} numbers the rows and is not read" for n in counters)
    columns, cells = [table.columns[n] for n in kept], [table.cells[n] for n in kept]
    return replace(table, columns=columns, cells=cells, notes=(*table.notes, *said))


def _numbers_rows(table: Table, number: int) -> bool:
    """Return whether the name of a column is that of a counter, and its cells are distinct whole numbers."""
    found = _whole_numbers(table.cells[number]) if table.columns[number].lower() in COUNTERS else None
    return found is not None and len(np.unique(found)) == len(found)


def _counts_from_one(cells: pa.ChunkedArray) -> bool:
    """Return whether a column is 0, 1, 2, ... or 1, 2, 3, ..., with three rows or more."""
    found = _whole_numbers(cells)
    return found is not None and len(found) > 2 and found[0] in (0, 1) and bool((np.diff(found) == 1).all())


def _whole_numbers(cells: pa.ChunkedArray) -> np.ndarray | None:
    """Return a column as int64 [rows], or None if it holds anything else."""
    if pa.types.is_integer(cells.type):
        return None if cells.null_count else cells.to_numpy()
    if not is_text(cells.type) or not len(cells) or not text.matching(cells, r"^[+\-]?\d{1,18}$").all():
        return None
    return text.replaced(cells, r"^\+", "").cast(pa.int64()).to_numpy()


def _parquet(path: Path) -> Table:
    try:
        content = load_parquet(path)
    except CPCError as error:
        raise CPCError(f"{path} is {error}. Write it again.") from None
    columns = [column.cast(pa.string()) if pa.types.is_large_string(column.type) else column for column in content.columns]
    columns = [text.stripped(column) if is_text(column.type) else column for column in columns]
    names = [name.strip() for name in content.column_names]
    table = Table(path, names, columns, range(1, content.num_rows + 1))
    marked = [names.index(name) for name in _pandas_index(content.schema.metadata or {}) if name in names]
    marked += [0] if names and _numbers_rows(table, 0) else []
    counters = [n for n in dict.fromkeys(marked) if _whole_numbers(columns[n]) is not None]
    return _without_counters(table, counters if len(counters) < len(names) else [])


def _pandas_index(metadata: dict[bytes, bytes]) -> list[str]:
    """Return the columns that pandas wrote for the index of a frame."""
    try:
        found = json.loads(metadata.get(b"pandas", b"{}"))["index_columns"]
        return [name for name in found if isinstance(name, str)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
