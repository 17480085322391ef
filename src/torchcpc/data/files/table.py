"""Tables of text from .csv, .tsv and .parquet: read in one way for labels, manifests, alignments and sentences."""

import csv
from dataclasses import dataclass
from pathlib import Path

from torchcpc.contracts import CPCError

SUFFIXES = (".csv", ".parquet", ".tsv")
# The most that the csv module takes for one field, in the C long of any platform. Its own default is a tenth of a novel.
_LONGEST_FIELD = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Table:
    """Column names, and rows of text; lines: the line of the file on which each row ends."""

    path: Path
    columns: list[str]
    rows: list[list[str]]
    lines: list[int]

    def records(self, *, fewer: bool = True, more: bool = False) -> list[dict[str, str]]:
        """Rows as text by column. Raises CPCError for a row of fewer or of more fields than the header, unless that is allowed. fewer: the
        fields that a row lacks are empty; more: fields beyond the header's are not read."""
        width = len(self.columns)
        for number, row in enumerate(self.rows, start=1):
            if (len(row) < width and not fewer) or (len(row) > width and not more):
                raise CPCError(
                    f"{self.path}: data row {number} has {len(row)} fields and the header {width}. Quote fields that hold a comma, "
                    "and write no tab or line end into a field of a .tsv."
                )
        return [dict(zip(self.columns, [*row, *[""] * (width - len(row))], strict=False)) for row in self.rows]


def read_table(path: Path) -> Table:
    """The table in a file: .tsv is split at tabs and quotes are text; .csv as usual; .parquet with its values as text. Blank lines are no
    rows. Raises CPCError for a file that cannot be read as a table."""
    kind = path.suffix.lower()
    if kind == ".parquet":
        return _parquet(path)
    try:
        numbered = _tsv(path) if kind == ".tsv" else _csv(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CPCError(f"{path} is not a readable UTF-8 table: {error}. Save it as UTF-8, with a header.") from None
    rows, lines = [row for row, _ in numbered], [line for _, line in numbered]
    return Table(path, rows[0] if rows else [], rows[1:], lines[1:])


def records_with_paths(path: Path) -> list[dict[str, str]]:
    """The rows of a table with a column `path`. Raises CPCError where it is absent or empty."""
    table = read_table(path)
    if "path" not in table.columns:
        known = ", ".join(table.columns) or "none"
        raise CPCError(f"{path} has no column 'path' (columns: {known}). Add one with the path of each recording.")
    records = table.records()
    for number, record in enumerate(records, start=1):
        if not record["path"].strip():
            raise CPCError(f"{path}: data row {number} has an empty path. Name its recording, or remove the row.")
    return records


def _csv(path: Path) -> list[tuple[list[str], int]]:
    usual = csv.field_size_limit(_LONGEST_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            return [(row, reader.line_num) for row in reader if row]
    finally:
        csv.field_size_limit(usual)  # it holds for the whole process


def _tsv(path: Path) -> list[tuple[list[str], int]]:
    # splitlines would also break at characters that a field may hold.
    lines = (line.rstrip("\r") for line in path.read_text(encoding="utf-8-sig").split("\n"))
    return [(line.split("\t"), number) for number, line in enumerate(lines, start=1) if line]


def _parquet(path: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # read_table would add columns for folders on the way that are named like `lang=en`.
        content = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise CPCError(f"{path} is not a readable parquet table: {error}. Write it again.") from None
    columns = [["" if value is None else str(value) for value in column.to_pylist()] for column in content.columns]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return Table(path, list(content.column_names), rows, list(range(1, len(rows) + 1)))
