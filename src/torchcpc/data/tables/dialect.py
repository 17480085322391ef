"""Determine the delimiter and the header of a text table from its first lines.

Guesses are noted in words.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import TextIO

from torchcpc.data.tables.values import is_integer, kind_of

# In the order in which they are tried. Commas also occur in decimal numbers and in sentences; blanks occur in both and in
# dates.
DELIMITERS = ("\t", ";", "|", ",")
BLANKS = " "
# Rows from which a dialect is determined.
SAMPLE = 200
# Share of these rows that must have as many fields as the first.
_REGULAR = 0.9


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the rows of a text file are written.

    Attributes:
        delimiter: One of `DELIMITERS`, or `BLANKS` for any run of blanks.
        quoted: Whether fields may be in quotes.
        skipped: Lines before the table.
        comment: Whether the first row begins with #.
        header: Whether the first row holds the names.
        row_names: Whether each row begins with a name that the header omits, as R writes them.
        units: Whether the row below the names holds units.
        joined: Whether commas cut every number in two at its decimal comma.
        notes: Guesses, in words.
    """

    delimiter: str = ","
    quoted: bool = True
    skipped: int = 0
    comment: bool = False
    header: bool = True
    row_names: bool = False
    units: bool = False
    joined: bool = False
    notes: tuple[str, ...] = ()

    def rows(self, file: TextIO) -> Iterator[tuple[int, list[str]]]:
        """Yield each row as (line on which it ends, fields); a blank line is a row without fields.

        Args:
            file: The open file.
        """
        for _ in range(self.skipped):
            file.readline()
        if self.delimiter == BLANKS:
            reader = csv.reader((line.strip() for line in file), delimiter=BLANKS, skipinitialspace=True)
            yield from ((self.skipped + reader.line_num, row) for row in reader)
        elif not self.quoted:
            lines = (line.rstrip("\r\n") for line in file)
            yield from ((self.skipped + n, line.split(self.delimiter) if line else []) for n, line in enumerate(lines, start=1))
        else:
            reader = csv.reader(file, delimiter=self.delimiter)
            yield from ((self.skipped + reader.line_num, row) for row in reader)

    def names(self, row: Sequence[str]) -> list[str]:
        """Return the names in the first row.

        Args:
            row: Fields of the first row.
        """
        if self.comment:
            first = row[0].lstrip("# ")
            row = [first, *row[1:]] if first else row[1:]
        return [*[""] * self.row_names, *(name.strip() for name in row)]


def dialect_of(text: str, *, tabs: bool) -> Dialect:
    """Return the dialect of a file.

    Args:
        text: Beginning of the file.
        tabs: Whether the file is called .tsv. Then tabs are the delimiter, and quotes are text unless all names are quoted.
    """
    lines = text.splitlines()
    if lines and re.fullmatch("(?i)sep=.", lines[0]):  # a line that spreadsheets write for their own use
        found = Dialect(delimiter=lines[0][4], skipped=1)
    else:
        found = Dialect(skipped=next((n for n, line in enumerate(lines) if not line.startswith("#")), 0))
        if tabs:
            names = lines[found.skipped].split("\t") if lines else []
            found = replace(found, delimiter="\t", quoted=all(len(n) > 1 and n[0] == n[-1] == '"' for n in names if n))
        else:
            found = replace(found, delimiter=_delimiter(text, found))
        found = _with_names_in_comment(found, text)
    if found.delimiter != ("\t" if tabs else ","):
        found = replace(found, notes=(f"its fields are split at {found.delimiter!r}",))
    rows = [row for row in _sample(text, found) if row]
    return _with_header(found, rows) if rows else found


def _with_names_in_comment(found: Dialect, text: str) -> Dialect:
    """Return the dialect that takes its names from the last comment, if that has one word per column.

    numpy writes names in this way.
    """
    earlier = replace(found, skipped=found.skipped - 1, comment=True)
    rows = [row for row in _sample(text, earlier) if row] if found.skipped else []
    if len(rows) < 2:
        return found
    names = earlier.names(rows[0])
    return earlier if len(names) == len(rows[1]) and all(kind_of(name) == "word" for name in names) else found


def _with_header(found: Dialect, rows: Sequence[list[str]]) -> Dialect:
    first, rest = rows[0], rows[1:]
    widths = {len(row) for row in rest}
    if found.delimiter == "," and rest and _is_cut_at_decimals(first, rest):
        said = "every number is written in two fields, and read as one with a decimal comma"
        return replace(found, joined=True, header=len(first) != len(rest[0]), notes=(*found.notes, said))
    if widths == {len(first) + 1} and _are_row_names(rest):
        return replace(found, row_names=True, notes=(*found.notes, "the first field of each row has no name in the header"))
    header, said = _header(first, rest)
    units = header and _has_units(rest)
    notes = [said] * bool(said) + ["the row below the names is read as units"] * units
    return replace(found, header=header, units=units, notes=(*found.notes, *notes))


def _are_row_names(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first field of each row is its name: a count, or a word before numbers only."""
    names, others = [row[0] for row in rows], {kind_of(cell) for row in rows for cell in row[1:]}
    counted = len(names) > 1 and _counts(names) and any(row[-1].strip() for row in rows)
    named = len(rows[0]) > 2 and len(set(names)) == len(names) > 1
    return counted or (named and others <= {"number", "missing"} and others != {"missing"})


def _has_units(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first of these rows holds only words, and the columns below hold none."""
    if len(rows) < 3 or {kind_of(cell) for cell in rows[0]} - {"missing"} != {"word"}:
        return False
    return all(
        {kind_of(row[n]) for row in rows[1:] if n < len(row)} <= {"number", "missing", "moment"} for n in range(len(rows[0]))
    )


def _header(first: Sequence[str], rest: Sequence[Sequence[str]]) -> tuple[bool, str]:
    """Return whether the first row holds names, and a note if that is a guess."""
    kinds = [kind_of(cell) for cell in first]
    columns = [[row[place] for row in rest if place < len(row)] for place in range(len(first))]
    below = [{kind_of(cell) for cell in column} - {"missing"} for column in columns]
    as_below = [kind in kinds_below for kind, kinds_below in zip(kinds, below, strict=True) if kind != "missing"]
    shown = ", ".join(cell.strip() for cell in first[:3]) + (", ..." if len(first) > 3 else "")
    if "word" in kinds:
        numbers = [cell for cell, kind in zip(first, kinds, strict=True) if kind in ("number", "moment")]
        values = any(not is_integer(cell) for cell in numbers) and all(as_below)
        again = bool(numbers) and any(
            k == "word" and cell in column for cell, k, column in zip(first, kinds, columns, strict=True)
        )
        return (False, f"no header: the first row ({shown}) is read as values") if values or again else (True, "")
    named = [cell.strip() for cell in first if cell.strip()]
    if not named or not rest:
        return not named and bool(rest), ""
    if not all(as_below) or ((_counts(named) or _even(named)) and _has_fractions(rest)) or _counts_alone(named, rest[0]):
        return True, f"the first row ({shown}) is read as names"
    said = f"no header: the first row ({shown}) is read as values"
    if len(first) == 2 and all(is_integer(cell) for row in (first, *rest) for cell in row):
        said += ", two columns of whole numbers; if a comma is the decimal mark, write a point"
    return False, said


def _counts(cells: Sequence[str]) -> bool:
    """Return whether these cells are 0, 1, 2, ... or 1, 2, 3, ..."""
    if not all(cell.strip().isascii() and cell.strip().isdigit() for cell in cells):
        return False
    numbers = [int(cell) for cell in cells]
    return numbers[0] in (0, 1) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _counts_alone(cells: Sequence[str], below: Sequence[str]) -> bool:
    """Return whether these cells count from 0, three or more, and the row below does not continue the count."""
    goes_on = [str(len(cells) + n) for n in range(len(cells))]
    return len(cells) > 2 and _counts(cells) and int(cells[0]) == 0 and list(below[-len(cells) :]) != goes_on


def _even(cells: Sequence[str]) -> bool:
    """Return whether these are whole numbers that rise in equal steps, like names of frequencies."""
    if len(cells) < 3 or not all(cell.strip().isascii() and cell.strip().isdigit() for cell in cells):
        return False
    steps = {int(b) - int(a) for a, b in pairwise(cells)}
    return len(steps) == 1 and steps.pop() > 0


def _has_fractions(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether every column of numbers holds a fraction, except one that may count the rows."""
    columns = list(zip(*(row for row in rows if len(row) == len(rows[0])), strict=True))
    whole = [all(is_integer(cell) or not cell.strip() for cell in column) for column in columns]
    return sum(whole) <= (1 if len(whole) > 1 else 0)


def _is_cut_at_decimals(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Return whether the commas of a file are decimal commas.

    Rows then have twice as many fields as there are names. Without names, some pair of fields cannot be two whole numbers:
    it has -0, or digits after a zero.
    """
    width = len(rest[0])
    words = any(kind_of(cell) == "word" for cell in first)
    rows = list(rest) if words else [first, *rest]
    if width % 2 or any(len(row) != width for row in rows):
        return False
    pairs = [(row[n].strip(), row[n + 1].strip()) for row in rows for n in range(0, width, 2)]
    if not all(is_integer(whole) and part.isascii() and part.isdigit() for whole, part in pairs):
        return False
    if words:
        return width == 2 * len(first)
    return width == 2 and any(whole == "-0" or (len(part) > 1 and part[0] == "0") or len(part) > 9 for whole, part in pairs)


def _delimiter(text: str, found: Dialect) -> str:
    """Return the first delimiter that splits nearly all rows into as many fields as the first row, two or more.

    If there is none, return the one that splits the first row best.
    """
    counts: dict[str, int] = {}
    for delimiter in DELIMITERS:
        widths = _widths(text, replace(found, delimiter=delimiter))
        counts[delimiter] = widths[0] if widths else 1
        if counts[delimiter] > 1 and sum(width in (widths[0], widths[0] + 1) for width in widths) >= _REGULAR * len(widths):
            return delimiter
    rows = _sample(text, replace(found, delimiter=BLANKS))
    numbers = [[kind_of(cell) in ("number", "missing") for cell in row] for row in rows[1:] if row]
    if (
        max(counts.values()) == 1
        and numbers
        and len(numbers[0]) > 1
        and all(map(all, numbers))
        and len(set(map(len, numbers))) == 1
    ):
        return BLANKS
    return max(reversed(DELIMITERS), key=counts.__getitem__)


def _widths(text: str, dialect: Dialect) -> list[int]:
    return [len(row) for row in _sample(text, dialect) if row]


def _sample(text: str, dialect: Dialect) -> list[list[str]]:
    try:
        return [row for _, row in islice(dialect.rows(io.StringIO(text, newline="")), SAMPLE)]
    except csv.Error:
        return []
