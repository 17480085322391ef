"""Tables of labelled sentences: a row each, the column `text` or `sentence`, the other columns labels."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from torchcpc.contracts import CPCError
from torchcpc.data.files.table import Table, read_table

TEXT_COLUMNS = ("text", "sentence")
# By what `files.manifest` knows a manifest.
_MANIFEST = {".csv": "a column 'path'", ".parquet": "a column 'path'", ".tsv": "the folder of the files as its first line"}


class SentenceTable(NamedTuple):
    """The sentences of a table, and the labels of each by column."""

    texts: list[str]
    labels: list[dict[str, str]]


def read_sentences(path: Path) -> SentenceTable | None:
    """The sentences of a table; None for a manifest of files, which has no column of text.

    Raises CPCError for a table that cannot be read, one that is neither, and for a row of more or fewer fields than the header.
    """
    table = read_table(path)
    column = next((name for name in table.columns if name.strip().lower() in TEXT_COLUMNS), "")
    if not column:
        if _is_manifest(table):
            return None
        raise CPCError(
            f"{path} has no column 'text' or 'sentence' (columns: {', '.join(table.columns) or 'none'}), and is no manifest of "
            f"files, which has {_MANIFEST[path.suffix.lower()]}. Name the columns in its first line, separated by commas (.csv) or "
            "tabs (.tsv)."
        )
    records = table.records(fewer=False)
    return SentenceTable([record.pop(column) for record in records], records)


def _is_manifest(table: Table) -> bool:
    if table.path.suffix.lower() == ".tsv":
        return len(table.columns) == 1 and (table.path.parent / table.columns[0].strip()).is_dir()
    return "path" in table.columns
