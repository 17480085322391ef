"""Read tables of labelled sentences.

Each row is a document of one sentence. The other columns are its labels.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torchcpc.contracts import CPCError, Skipped
from torchcpc.data.files.find import in_part, part_notes, shortest_tails
from torchcpc.data.files.found import at_line, skip
from torchcpc.data.files.manifests import MANIFESTS, is_manifest
from torchcpc.data.files.rows import known_columns, unused_columns
from torchcpc.data.names import alike, clean
from torchcpc.data.text.documents import Document, folded

TEXT_COLUMNS = ("text", "sentence")


class Tables(NamedTuple):
    """Result of reading tables of sentences.

    Attributes:
        items: Sentences of all tables.
        skipped: Rows and tables that are skipped, each with its reason.
        notes: Remarks about the tables that are read.
        others: Roots that are not tables of sentences.
    """

    items: list[Document]
    skipped: list[Skipped]
    notes: list[Skipped]
    others: list[Path]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of one table.

    Attributes:
        rows: Line, text and labels of each row.
        notes: Remarks about the table.
    """

    rows: list[tuple[int, str, dict[str, str]]]
    notes: list[Skipped]


def read_tables(roots: Sequence[Path], parts: Mapping[Path, str]) -> Tables:
    """Read those roots that are tables of sentences.

    Args:
        roots: Files and folders.
        parts: Part of the data by root, as its name says.
    """
    tables: dict[Path, _Rows] = {}
    first: dict[str, Path] = {}
    found = Tables([], [], [], [])
    for root in roots:
        table = _read(root) if root.is_file() and root.suffix.lower() in MANIFESTS else None
        if table is None:
            found.others.append(root)
        elif (same := first.setdefault(os.path.realpath(root), root)) in tables:
            found.skipped.append(skip(root, f"the same table as {same}, named twice"))
        else:
            tables[root] = table
    for (path, table), name in zip(tables.items(), _names(list(tables)), strict=True):
        found.notes.extend(table.notes)
        for number, (line, text, labels) in enumerate(table.rows, start=1):
            if text:
                key, own = f"{name}#{number}", in_part(labels, parts.get(path, ""))
                group = own.get("group") or key
                found.items.append(Document(key, group, own, path, root=str(path), sentences=[folded(text)]))
            else:
                found.skipped.append(at_line(path, line, "empty text"))
    # For files, the parts are noted where the files are found.
    found.notes.extend(part_notes(parts) if not found.others else ())
    return found


def _read(path: Path) -> _Rows | None:
    """Return the rows of a table of sentences, or None for a manifest of files.

    Raises:
        CPCError: If the table is unreadable or neither of the two, or a row has more or fewer fields than the header.
    """
    from torchcpc.data.tables.read import read_table

    table = read_table(path)
    if column := next((name for name in table.columns if alike(name) in TEXT_COLUMNS), ""):
        names, notes = known_columns(path, table.columns)
        notes += [
            *(Skipped(str(path), note) for note in (*table.notes, *table.label_notes((column,)))),
            *unused_columns(path, names, "sentence", ("group",)),
        ]
        place, rows = table.columns.index(column), []
        for line, record in zip(table.lines, table.records(fewer=False, verbatim=(column,)), strict=True):
            labels = dict(zip(names, map(clean, record.values()), strict=True))
            rows.append((line, labels.pop(names[place]), labels))
        return _Rows(rows, notes)
    if is_manifest(path):
        return None
    raise CPCError(
        f"{path} has no column 'text' or 'sentence' (columns: {', '.join(table.columns) or 'none'}), and is no manifest of files, which "
        "has a column 'path'. Name the columns in its first line, separated by commas (.csv) or tabs (.tsv)."
    )


def _names(tables: Sequence[Path]) -> list[str]:
    """Return a name for each table: its own without the suffix, preceded by enough parent folders to distinguish the tables."""
    paths = [Path(os.path.abspath(table)) for table in tables]
    bare = [path.with_suffix("").parts for path in paths]
    # In one folder, only the suffixes distinguish s.csv and s.tsv.
    tails = shortest_tails(bare if len(set(bare)) == len(paths) else [path.parts for path in paths])
    return [tail.lstrip("/") for tail in tails]
