"""The one reader of tables: .csv, .tsv and .parquet, for labels, manifests, alignments, sentences, sensor series and pairs of arrays.

What is decided about a table (its delimiter, header, decimal comma, which column counts the rows) is decided here, once, and said in
`Table.notes` where it is a guess.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from torchcpc.contracts import CPCError
from torchcpc.data.files.limits import check_columns
from torchcpc.data.files.parquet import load_parquet
from torchcpc.data.tables import text_columns as text
from torchcpc.data.tables import times, typed, values
from torchcpc.data.tables.cells import cells_of, cells_of_large
from torchcpc.data.tables.dialect import Dialect, dialect_of
from torchcpc.data.tables.typed import is_text, label_texts

SUFFIXES = (".csv", ".parquet", ".tsv")
# The most that the csv module takes for one field, in the C long of any platform. Its own default is a tenth of a novel.
_LONGEST_FIELD = (1 << 31) - 1
# Characters from which the dialect is told.
_HEAD = 1 << 18
# Names that programs give a column which counts the rows.
COUNTERS = ("", "index", "unnamed: 0", "unnamed: 0.1", "level_0", "rownames", "row.names", "row_names", "__index_level_0__")


@dataclass(frozen=True)
class Table:
    """columns: names without blanks around them; cells: a column of text or of typed values for each; lines: the line of the file on which
    each row ends (of parquet the number of the row); notes: what was
    guessed, in words; short, long: rows of fewer and of more fields than the header, whose missing fields are empty and whose further
    ones are not kept; between_commas: whether commas delimit its fields."""

    path: Path
    columns: list[str]
    cells: list[pa.ChunkedArray] = field(repr=False)
    lines: Sequence[int] = field(repr=False)
    notes: tuple[str, ...] = ()
    short: tuple[int, ...] = ()
    long: tuple[int, ...] = ()
    between_commas: bool = True

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> pa.ChunkedArray:
        """The column of that name. Raises CPCError where there is none, or more than one."""
        if (found := self.columns.count(name)) != 1:
            raise CPCError(
                f"two columns are called {name!r}; rename one"
                if found
                else f"no column {name!r} (columns: {', '.join(self.columns)})"
            )
        return self.cells[self.columns.index(name)]

    def require_regular(self) -> None:
        """Raises CPCError for a table with rows of fewer or of more fields than the header."""
        if odd := (*self.short, *self.long):
            raise CPCError(
                f"the row on line {self.lines[odd[0]]} has {'fewer' if self.short else 'more'} fields than the header's "
                f"{len(self.columns)}; quote fields that hold the delimiter"
            )

    def records(self, *, fewer: bool = True, more: bool = False, verbatim: Sequence[str] = ("path",)) -> list[dict[str, str]]:
        """Rows as text by column, without blanks around it; "" for what is missing.

        Args:
            fewer: Whether a row may lack fields of the header. They are empty.
            more: Whether a row may have fields beyond the header's. They are not read.
            verbatim: Columns in which "NA" and its like are text.

        Raises:
            CPCError: For a row of fewer or of more fields, unless it is allowed.
        """
        for allowed, rows in ((fewer, self.short), (more, self.long)):
            if rows and not allowed:
                raise CPCError(
                    f"{self.path}, line {self.lines[rows[0]]}: {'more' if rows is self.long else 'fewer'} fields than the header's "
                    f"{len(self.columns)}. Quote fields that hold a comma, and write no tab or line end into a field of a .tsv."
                )
        if repeated := [name for name, count in Counter(self.columns).items() if count > 1]:
            raise CPCError(f"{self.path}: two columns are called {repeated[0]!r}. Rename one.")
        texts = [label_texts(cells, verbatim=name in verbatim) for name, cells in zip(self.columns, self.cells, strict=True)]
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*texts, strict=True)]

    def numbers(self, name: str, *, remedy: str = "") -> np.ndarray:
        """A column as numbers: [rows] float64, NaN where missing. Raises CPCError, naming value and line, for what is none.
        remedy: the next step."""
        cells = self.column(name)
        if not is_text(cells.type):
            return typed.numbers(name, cells, remedy=remedy)
        found, odd = values.parse(cells, decimal=self.decimal)
        if odd.any():
            row = int(np.flatnonzero(odd)[0])
            raise CPCError(
                f"column {name!r} is not of numbers (for instance {cells[row].as_py()!r} on line {self.lines[row]}){remedy}"
            )
        return found

    def is_word(self, name: str) -> bool:
        """Whether a column holds text, and not one number."""
        cells = self.column(name)
        if not is_text(cells.type):
            return pa.types.is_nested(cells.type) or pa.types.is_binary(cells.type)
        found, odd = values.parse(cells, decimal=self.decimal)
        return bool(odd.any()) and bool(np.isnan(found).all())

    def moments(self, name: str) -> tuple[np.ndarray, str] | None:
        """A column of dates or clock times as seconds: [rows] float64, NaN where missing; and their form in words. None for numbers. Raises
        CPCError, naming value and line, for what is neither."""
        cells = self.column(name)
        if not is_text(cells.type):
            return typed.moments(name, cells)
        if (found := times.seconds_of(cells)) is not None:
            return found
        found, odd = values.parse(cells, decimal=self.decimal)
        if odd.any():
            row = int(np.flatnonzero(odd)[0])
            raise CPCError(
                f"column {name!r} holds no times that can be read (for instance {cells[row].as_py()!r} on line {self.lines[row]}); write "
                "them as 2024-12-31 23:59:59 or as seconds, or leave them out (data.row_labels)"
            )
        return None

    def number_notes(self, names: Iterable[str]) -> list[str]:
        """How numbers of these columns are spelled, in words, where it is not 1.5 or nothing."""
        cells = [column for name in names if is_text((column := self.column(name)).type)]
        spelled = sorted(
            {cell for column in cells for cell in column.filter(pa.array(values.missing(column))).unique().to_pylist() if cell}
        )
        notes = ["its numbers have decimal commas"] if cells and self.decimal == "," else []
        return notes + ([f"{', '.join(map(repr, spelled))} is read as missing"] if spelled else [])

    def label_notes(self, verbatim: Collection[str]) -> list[str]:
        """Which labels of all other columns are read as missing, in words."""
        notes = []
        for name, cells in zip(self.columns, self.cells, strict=True):
            if name not in verbatim and is_text(cells.type):
                spelled = [cell for cell in cells.unique().to_pylist() if cell and cell in values.MISSING_LABELS]
                notes += (
                    [f"in the column {name!r} {', '.join(map(repr, sorted(spelled)))} is read as no label"] if spelled else []
                )
        return notes

    @cached_property
    def decimal(self) -> str:
        """The decimal mark: a comma where numbers have one and none has a point."""
        return values.decimal_mark([cells for cells in self.cells if is_text(cells.type)], between_commas=self.between_commas)


def read_table(path: Path) -> Table:
    """The table in a file: .tsv is split at tabs, .csv as its first lines say, .parquet is read with its types. Raises CPCError for a file
    that cannot be read as a table, and for one of more than 10,000 columns."""
    return _parquet(path) if path.suffix.lower() == ".parquet" else _text(path)


def records_with_paths(path: Path) -> list[dict[str, str]]:
    """The rows of a table with a column `path`. Raises CPCError where it is absent or empty."""
    table = read_table(path)
    if "path" not in table.columns:
        known = ", ".join(table.columns) or "none"
        raise CPCError(f"{path} has no column 'path' (columns: {known}). Add one with the path of each recording.")
    records = table.records()
    for line, record in zip(table.lines, records, strict=True):
        if not record["path"]:
            raise CPCError(f"{path}, line {line}: an empty path. Name its recording, or remove the row.")
    return records


def _text(path: Path) -> Table:
    usual = csv.field_size_limit(_LONGEST_FIELD)
    try:
        with path.open("rb") as file:
            encoding = "utf-16" if file.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        with path.open(encoding=encoding, newline="") as file:
            head = file.read(_HEAD)
            whole = head if len(head) < _HEAD else head[: head.rfind("\n") + 1] or head
            if "\0" in head:
                raise csv.Error("it holds NUL, as no text does")
            dialect = dialect_of(whole, tabs=path.suffix.lower() == ".tsv")
            file.seek(0)
            return _columns(path, dialect, dialect.rows(file))
    except (OSError, UnicodeError, csv.Error) as error:
        raise CPCError(f"{path} is not a readable UTF-8 table: {error}. Save it as UTF-8, with a header.") from None
    finally:
        csv.field_size_limit(usual)  # it holds for the whole process


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
    # Rows of blanks at the end of a file are none.
    ends = [np.flatnonzero(~text.among(column, ("",))) for column in found.columns]
    end = max((int(rows[-1]) + 1 for rows in ends if len(rows)), default=0)
    # Spreadsheets end every line with a delimiter where a column beside the table was once filled.
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
    """The table without the columns that number its rows, which it says."""
    kept = [n for n in range(len(table.columns)) if n not in counters]
    said = (f"the column {table.columns[n]!r} numbers the rows and is not read" for n in counters)
    columns, cells = [table.columns[n] for n in kept], [table.cells[n] for n in kept]
    return replace(table, columns=columns, cells=cells, notes=(*table.notes, *said))


def _numbers_rows(table: Table, number: int) -> bool:
    """Whether a column has the name of one that numbers the rows, and holds whole numbers that differ."""
    found = _whole_numbers(table.cells[number]) if table.columns[number].lower() in COUNTERS else None
    return found is not None and len(np.unique(found)) == len(found)


def _counts_from_one(cells: pa.ChunkedArray) -> bool:
    """Whether a column is 0, 1, 2, ... or 1, 2, 3, ..., for three rows or more."""
    found = _whole_numbers(cells)
    return found is not None and len(found) > 2 and found[0] in (0, 1) and bool((np.diff(found) == 1).all())


def _whole_numbers(cells: pa.ChunkedArray) -> np.ndarray | None:
    """[rows] int64; None for a column that holds anything else."""
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
    """The columns that pandas wrote for the index of a frame."""
    try:
        found = json.loads(metadata.get(b"pandas", b"{}"))["index_columns"]
        return [name for name in found if isinstance(name, str)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
