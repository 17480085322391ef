"""Read the rows of a table that names files.

Each row has a path, labels, and perhaps a part of the file.
"""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torchcpc.contracts import CPCError, Skipped
from torchcpc.data.files.found import FileKind
from torchcpc.data.names import SPLIT, alike, clean

PATH_COLUMNS = ("path", "file_name")
GROUP_COLUMNS = ("speaker", "group")
# Columns of the start and the end of a part of a file, in seconds.
PART_COLUMNS = (("start", "start_s"), ("end", "end_s"))
_KNOWN = (*PATH_COLUMNS, *GROUP_COLUMNS, SPLIT, *PART_COLUMNS[0], *PART_COLUMNS[1])


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row of a table that names files.

    Attributes:
        line: Line of the row in the file of the table.
        path: Path as written.
        labels: Label by column.
        part: Start and end in seconds, None for the whole file.
        fault: Why the row cannot be used, or "".
    """

    line: int
    path: str
    labels: dict[str, str] = field(default_factory=dict)
    part: tuple[float, float] | None = None
    fault: str = ""


def names_files(path: Path) -> bool:
    """Return whether the header of a table has a column of paths.

    Args:
        path: The table. A file that cannot be read has no such column.
    """
    if not os.path.isfile(path):  # opening a pipe would block
        return False
    if path.suffix.lower() == ".parquet":
        return any(alike(name) in PATH_COLUMNS for name in _parquet_names(path))
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline(1 << 16)
    except (OSError, ValueError):
        return False
    return any(alike(name.strip().strip('"')) in PATH_COLUMNS for mark in ",;\t|" for name in header.split(mark))


def _parquet_names(path: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(path).names
    except (pa.ArrowException, OSError, ValueError):
        return []


def file_rows(path: Path, kind: FileKind, *, parts: bool = False) -> tuple[list[FileRow], list[Skipped]]:
    """Read the rows of a table that names files.

    Args:
        path: The table.
        kind: Kind of the files.
        parts: Whether columns `start` and `end` select a part of a file.

    Returns:
        The rows, and notes about the columns.

    Raises:
        CPCError: If the table has no column of paths, or selects parts of files that can only be read whole.
    """
    from torchcpc.data.tables.read import read_table

    table = read_table(path)
    names, notes = known_columns(path, table.columns)
    notes += [Skipped(str(path), note) for note in table.notes]
    if not (paths := [name for name in PATH_COLUMNS if name in names]):
        known = ", ".join(table.columns) or "none"
        raise CPCError(f"{path} has no column 'path' (columns: {known}). Add one with the path of each {kind.noun}.")
    ends = [next((name for name in pair if name in names), "") for pair in PART_COLUMNS] if parts else []
    notes += unused_columns(path, names, kind.noun, kind.group_columns)
    if not parts:
        why = "it is only a label: a manifest that is given as the data selects parts of files"
        notes += [Skipped(f"{path}, column {name!r}", why) for pair in PART_COLUMNS for name in pair if name in names]
    rows = []
    # A file may be named NA, but a label NA means a missing label.
    verbatim = [column for column, name in zip(table.columns, names, strict=True) if name == paths[0]]
    notes += [Skipped(str(path), note) for note in table.label_notes(verbatim)]
    for line, record in zip(table.lines, table.records(verbatim=verbatim), strict=True):
        labels = dict(zip(names, map(clean, record.values()), strict=True))
        of_file, (part, fault) = labels.pop(paths[0]), _part([labels.pop(name, "") for name in ends], table.decimal)
        rows.append(FileRow(line, of_file, labels, part, fault or ("" if of_file else "its path is empty")))
    if not kind.in_parts and (cut := next((row for row in rows if row.part), None)):
        raise CPCError(
            f"{path}, line {cut.line}: start and end select a part of a file, and a {kind.noun} is read whole. Cut the files, or rename "
            "the columns."
        )
    return rows, notes


def known_columns(path: Path, columns: Sequence[str], known: Collection[str] = _KNOWN) -> tuple[list[str], list[Skipped]]:
    """Return the names of columns, spelled like known ones where they differ only by case.

    Args:
        path: The table.
        columns: Names as written.
        known: Known names.

    Returns:
        The names, and a note for each changed name.
    """
    names, notes = [clean(name) for name in columns], list[Skipped]()
    for number, name in enumerate(names):
        if (usual := alike(name)) in known and usual not in names:
            notes.append(Skipped(f"{path}, column {name!r}", f"it is read as {usual!r}"))
            names[number] = usual
    return names, notes


def unused_columns(path: Path, names: Sequence[str], noun: str, used: Sequence[str]) -> list[Skipped]:
    """Return notes about columns that name groups of other kinds of file, but are only labels here.

    Args:
        path: The table.
        names: Names of its columns.
        noun: Word for one file.
        used: Columns that name the group of such a file.
    """
    instead = f"; call it {used[0]!r} if it should" if used and used[0] not in names else ""
    why = f"it is only a label and does not name the group of a {noun}{instead}"
    return [Skipped(f"{path}, column {name!r}", why) for name in names if name in GROUP_COLUMNS and name not in used]


def _part(ends: Sequence[str], decimal: str) -> tuple[tuple[float, float] | None, str]:
    """Return (start, end) in seconds, or why the row cannot be used."""
    if not any(ends):
        return None, ""
    from torchcpc.data.tables.values import number

    try:
        start, end = (
            number(text, decimal=decimal) if text else default for text, default in zip(ends, (0.0, float("inf")), strict=True)
        )
    except ValueError:
        return None, f"start {ends[0]!r} and end {ends[1]!r} are not both numbers of seconds"
    if not 0 <= start < end or start == float("inf"):
        return (
            None,
            f"from {ends[0] or 0} s to {ends[1] or 'the end'} s is not a part of a file; it must start from 0 s on and end after that",
        )
    return (start, end), ""
