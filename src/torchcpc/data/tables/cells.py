"""Read the cells of a text file as columns of text, in bounded memory.

The usual way is row by row. A large regular file is read at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa

from torchcpc.data.tables.dialect import BLANKS, Dialect
from torchcpc.data.tables.text_columns import stripped

# Rows that are turned into columns at a time, and the bytes from which a file counts as large.
_BLOCK, LARGE = 1 << 14, 1 << 20


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a text file.

    Attributes:
        columns: Columns of text, without blanks around the cells.
        lines: Line on which each row ends.
        short: Rows with too few fields.
        long: Rows with too many fields.
    """

    columns: list[pa.ChunkedArray]
    lines: Sequence[int]
    short: tuple[int, ...] = ()
    long: tuple[int, ...] = ()


def cells_of(dialect: Dialect, width: int, rows: Iterator[tuple[int, list[str]]], first: tuple[int, list[str]]) -> Cells:
    """Read the cells below the header, row by row.

    Args:
        dialect: Dialect of the file.
        width: Number of columns.
        rows: The further rows, each with its line.
        first: The first row, which `rows` has already yielded.
    """
    lines, short, long = array("q"), list[int](), list[int]()
    blocks: list[list[pa.Array]] = [[] for _ in range(width)]
    for _ in islice(rows, dialect.units):
        pass
    ahead = [] if dialect.header else [first]
    while block := [*ahead, *islice(rows, _BLOCK)]:
        ahead, filled = [], list[list[str]]()
        for line, row in block:
            if not row and width > 1:
                continue  # a blank line; in a single column it is a missing value
            if dialect.joined:
                row = [f"{whole},{part}" for whole, part in zip(row[::2], row[1::2], strict=False)]
            if len(row) < width > 1:
                short.append(len(lines))
            elif any(cell.strip() for cell in row[width:]):
                long.append(len(lines))
            lines.append(line)
            filled.append([*row, *[""] * (width - len(row))][:width])
        for column, cells in zip(blocks, zip(*filled, strict=True), strict=False):
            column.append(stripped(pa.array(cells, pa.string())))
    return Cells([pa.chunked_array(column, pa.string()) for column in blocks], lines, tuple(short), tuple(long))


def cells_of_large(path: Path, dialect: Dialect, width: int, first_line: int, *, large: int = LARGE) -> Cells | None:
    """Read the cells of a large regular file at once, which is ten times faster.

    Args:
        path: The file.
        dialect: Its dialect.
        width: Number of columns.
        first_line: Line on which the first row ends.
        large: Smallest size of such a file, in bytes.

    Returns:
        The cells, or None unless the file is large and every line is a row of `width` fields.
    """
    import pyarrow.csv as pc

    if path.stat().st_size < large or dialect.joined or dialect.delimiter == BLANKS:
        return None
    above = first_line - (not dialect.header) + dialect.units
    names = [str(n) for n in range(width)]
    try:
        found = pc.read_csv(
            path,
            read_options=pc.ReadOptions(column_names=names, skip_rows=above),
            parse_options=pc.ParseOptions(
                delimiter=dialect.delimiter, quote_char='"' if dialect.quoted else False, ignore_empty_lines=width > 1
            ),
            convert_options=pc.ConvertOptions(
                column_types={name: pa.string() for name in names}, strings_can_be_null=False, quoted_strings_can_be_null=False
            ),
        )
    except (pa.ArrowException, OSError, ValueError):
        return None
    with path.open("rb") as file:
        last, count = b"", 0
        while block := file.read(LARGE):
            last, count = block[-1:], count + block.count(b"\n")
    if found.num_rows != count + (last != b"\n") - above:
        return None
    return Cells([stripped(column) for column in found.columns], range(above + 1, above + 1 + found.num_rows))
