"""A table as it was read: columns of text or of typed values.

Columns can be taken as numbers, as moments or as labels.
"""

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
    """The columns of a file, and the decisions about them.

    Attributes:
        path: The file.
        columns: Names, without blanks around them.
        cells: Cells of each column, as text or as typed values.
        lines: Line of the file on which each row ends; for parquet the number of the row.
        notes: Guesses, in words.
        short: Rows with fewer fields than the header. The missing ones are empty.
        long: Rows with more fields than the header. The extra ones are dropped.
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
        """Return the column of a name.

        Args:
            name: Name of the column.

        Raises:
            CPCError: If no column has the name, or more than one.
        """
        if (found := self.columns.count(name)) != 1:
            raise CPCError(
                f"two columns are called {name!r}; rename one"
                if found
                else f"no column {name!r} (columns: {', '.join(self.columns)})"
            )
        return self.cells[self.columns.index(name)]

    def require_regular(self) -> None:
        """Check that every row has as many fields as the header.

        Raises:
            CPCError: If a row has fewer or more.
        """
        if odd := (*self.short, *self.long):
            raise CPCError(
                f"the row on line {self.lines[odd[0]]} has {'fewer' if self.short else 'more'} fields than the header's "
                f"{len(self.columns)}; quote fields that hold the delimiter"
            )

    def records(self, *, fewer: bool = True, more: bool = False, verbatim: Sequence[str] = ("path",)) -> list[dict[str, str]]:
        """Return the rows as text by column, without blanks around it; "" marks a missing value.

        Args:
            fewer: Whether a row may lack fields of the header. They are then empty.
            more: Whether a row may have more fields than the header. They are not read.
            verbatim: Columns in which "NA" and similar spellings are text.

        Raises:
            CPCError: If a row has fewer or more fields and that is not allowed.
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
        """Return a column as float64 [rows], NaN where a value is missing.

        Args:
            name: Name of the column.
            remedy: Next step in the error message.

        Raises:
            CPCError: If a value is not a number. The message names value and line.
        """
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
        """Return whether a column holds text and not a single number.

        Args:
            name: Name of the column.
        """
        cells = self.column(name)
        if not is_text(cells.type):
            return pa.types.is_nested(cells.type) or pa.types.is_binary(cells.type)
        found, odd = values.parse(cells, decimal=self.decimal)
        return bool(odd.any()) and bool(np.isnan(found).all())

    def moments(self, name: str) -> tuple[np.ndarray, str] | None:
        """Return a column of dates or clock times in seconds, and their format in words.

        Args:
            name: Name of the column.

        Returns:
            Seconds as float64 [rows], NaN where a value is missing, and the format. None for a column of numbers.

        Raises:
            CPCError: If a value is neither a time nor a number. The message names value and line.
        """
        cells = self.column(name)
        if not is_text(cells.type):
            return typed.moments(name, cells)
        if (found := times.seconds_of(cells)) is not None:
            return found
        found, odd = values.parse(cells, decimal=self.decimal)
        if odd.any():
            row = int(np.flatnonzero(odd)[0])
            raise CPCError(
                f"column {name!r} holds times that cannot be read (for instance {cells[row].as_py()!r} on line {self.lines[row]}); write "
                "them as 2024-12-31 23:59:59 or as seconds, or leave them out (data.row_labels)"
            )
        return None

    def number_notes(self, names: Iterable[str]) -> list[str]:
        """Return notes about unusual spellings of numbers and of missing numbers.

        Args:
            names: Names of the columns.
        """
        cells = [column for name in names if is_text((column := self.column(name)).type)]
        spelled = sorted(
            {cell for column in cells for cell in column.filter(pa.array(values.missing(column))).unique().to_pylist() if cell}
        )
        notes = ["its numbers have decimal commas"] if cells and self.decimal == "," else []
        return notes + ([f"{', '.join(map(repr, spelled))} is read as missing"] if spelled else [])

    def label_notes(self, verbatim: Collection[str]) -> list[str]:
        """Return notes about labels that are read as missing.

        Args:
            verbatim: Columns in which every label is text.
        """
        notes = []
        for name, cells in zip(self.columns, self.cells, strict=True):
            if name not in verbatim and is_text(cells.type):
                spelled = [cell for cell in cells.unique().to_pylist() if cell and cell in values.MISSING_LABELS]
                notes += (
                    [f"in the column {name!r} {', '.join(map(repr, sorted(spelled)))} is read as a missing label"]
                    if spelled
                    else []
                )
        return notes

    @cached_property
    def decimal(self) -> str:
        """The decimal mark: a comma if some number has one and none has a point."""
        return values.decimal_mark([cells for cells in self.cells if is_text(cells.type)], between_commas=self.between_commas)
