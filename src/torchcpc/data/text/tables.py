"""Tables of labelled sentences: a row each, the column `text` or `sentence`, the other columns labels."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from torchcpc.contracts import CPCError

TEXT_COLUMNS = ("text", "sentence")
# What the csv module takes at most for one field, in the C long of any platform; its own default is a tenth of a novel.
_LONGEST_FIELD = (1 << 31) - 1


def text_column(names: Sequence[str]) -> str:
    """The name of the column that holds the sentences; "" where there is none."""
    return next((name for name in names if name.strip().lower() in TEXT_COLUMNS), "")


def read_text_table(table: Path) -> tuple[list[str], list[dict[str, str]]] | None:
    """(sentences, labels by column of each row); None for a manifest of files, which has no such column.

    .tsv is split at tabs, quotes are text; .csv as usual; .parquet. Raises CPCError for a table that cannot be read, one that is
    neither, and for a row of more or fewer fields than the header.
    """
    try:
        names, rows = TEXT_TABLES[table.suffix.lower()](table)
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise CPCError(f"{table} is not a readable UTF-8 table: {error}. Save it as UTF-8, with a header.") from None
    if not (column := text_column(names)):
        if _is_manifest(table, names):
            return None
        raise CPCError(
            f"{table} has no column 'text' or 'sentence' (columns: {', '.join(names) or 'none'}), and is no manifest of files, "
            f"which has {_MANIFEST[table.suffix.lower()]}. Name the columns in its first line, separated by commas (.csv) or tabs (.tsv)."
        )
    where = list(names).index(column)
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise CPCError(
                f"{table}: data row {number} has {len(row)} fields and the header {len(names)}. Quote fields that hold a comma, "
                "and write no tab or line end into a field of a .tsv."
            )
    labels = [{name: row[n] for n, name in enumerate(names) if n != where} for row in rows]
    return [row[where] for row in rows], labels


# By what `data.manifest` knows a manifest.
_MANIFEST = {
    ".csv": "a column 'path'",
    ".parquet": "a column 'path'",
    ".tsv": "the folder of the files as its first line",
}


def _is_manifest(table: Path, names: Sequence[str]) -> bool:
    if table.suffix.lower() == ".tsv":
        return len(names) == 1 and (table.parent / names[0].strip()).is_dir()
    return "path" in names


def _csv(table: Path) -> tuple[Sequence[str], list[list[str]]]:
    usual = csv.field_size_limit(_LONGEST_FIELD)
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    finally:
        csv.field_size_limit(usual)  # it holds for the whole process
    return (rows[0], rows[1:]) if rows else ((), [])


def _tsv(table: Path) -> tuple[Sequence[str], list[list[str]]]:
    # Not splitlines, which also breaks at characters that a sentence may hold.
    lines = [line.rstrip("\r") for line in table.read_text(encoding="utf-8-sig").split("\n")]
    rows = [line.split("\t") for line in lines if line]
    return (rows[0], rows[1:]) if rows else ((), [])


def _parquet(table: Path) -> tuple[Sequence[str], list[list[str]]]:
    import pyarrow.parquet as pq

    content = pq.ParquetFile(table).read()
    columns = [["" if value is None else str(value) for value in column.to_pylist()] for column in content.columns]
    return content.column_names, [list(row) for row in zip(*columns, strict=True)]


TEXT_TABLES: dict[str, Callable[[Path], tuple[Sequence[str], list[list[str]]]]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".tsv": _tsv,
}
