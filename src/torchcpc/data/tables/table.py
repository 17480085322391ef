"""A table as it was read: columns of text or of typed values, as numbers, as moments, and as labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from torchcpc.contracts import CPCError
from torchcpc.data.tables import times, typed, values
from torchcpc.data.tables.typed import is_text, label_texts


@dataclass(frozen=True)
class Table:
    """The columns of a file, with what was decided about them.

    Attributes:
        columns: Names without blanks around them.
        cells: Of each column, as text or as typed values.
        lines: The line of the file on which each row ends; of parquet the number of the row.
        notes: What was guessed, in words.
        short: Rows of fewer fields than the header. The missing ones are empty.
        long: Rows of more fields. The further ones are not kept.
        between_commas: Whether commas delimit the fields.
    """

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
