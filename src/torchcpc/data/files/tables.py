"""Tables with a column `path`: rows of text from .csv and .parquet, checked before anybody relies on them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from torchcpc.contracts import CPCError

Row = dict[str, str]
# No header can hold it: where csv puts the fields beyond the header's.
_EXCESS = "\0"


def read_csv(table: Path) -> list[Row]:
    """The rows of a UTF-8 csv file with commas. Raises CPCError if it is no such table, or has no column `path`."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey=_EXCESS, restval="")
            rows, names = list(reader), reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CPCError(f"{table} is not a readable UTF-8 csv table: {error}. Save it as UTF-8 with commas.") from None
    for number, row in enumerate(rows, start=1):
        if _EXCESS in row:
            raise CPCError(f"{table}: data row {number} has more fields than the header. Quote fields that hold a comma.")
    return _checked(table, names, rows)


def read_parquet(table: Path) -> list[Row]:
    """The rows of a parquet file, values as text. Raises CPCError as `read_csv` does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Not read_table: it would add columns for folders on the way that are named like `lang=en`.
        content = pq.ParquetFile(table).read()
    except (pa.ArrowException, OSError) as error:
        raise CPCError(f"{table} is not a readable parquet table: {error}. Write it again.") from None
    rows = [{key: "" if value is None else str(value) for key, value in row.items()} for row in content.to_pylist()]
    return _checked(table, content.column_names, rows)


TABLES: dict[str, Callable[[Path], list[Row]]] = {".csv": read_csv, ".parquet": read_parquet}


def _checked(table: Path, names: Sequence[str], rows: list[Row]) -> list[Row]:
    if "path" not in names:
        found = ", ".join(names) or "none"
        raise CPCError(f"{table} has no column 'path' (columns: {found}). Add one with the path of each recording.")
    for number, row in enumerate(rows, start=1):
        if not row["path"].strip():
            raise CPCError(f"{table}: data row {number} has an empty path. Name its recording, or remove the row.")
    return rows
