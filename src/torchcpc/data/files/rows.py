"""The rows of a table that names files: a path each, its labels, and the part of the file that is meant."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torchcpc.contracts import CPCError, Skipped
from torchcpc.data.files.found import FileKind
from torchcpc.data.names import SPLIT, alike, clean

PATH_COLUMNS = ("path", "file_name")
GROUP_COLUMNS = ("speaker", "group")
# Of the part of a file, in seconds: where it starts and where it ends.
PART_COLUMNS = (("start", "start_s"), ("end", "end_s"))
_KNOWN = (*PATH_COLUMNS, *GROUP_COLUMNS, SPLIT, *PART_COLUMNS[0], *PART_COLUMNS[1])


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row. line: of the table's file; part: start and end in seconds, None for the whole file; fault: why it cannot be used."""

    line: int
    path: str
    labels: dict[str, str] = field(default_factory=dict)
    part: tuple[float, float] | None = None
    fault: str = ""


def names_files(path: Path) -> bool:
    """Whether the header of a table has a column of paths. A file that cannot be read has none."""
    if not os.path.isfile(path):  # a pipe would be waited on
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
    """The rows, and what is doubtful about the columns. parts: whether columns `start` and `end` select a part of a file.

    Raises:
        CPCError: For a table without a column of paths, and for parts of files that can only be read whole.
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
        why = "it is a label only: parts of files are selected by a manifest, given as the data itself"
        notes += [Skipped(f"{path}, column {name!r}", why) for pair in PART_COLUMNS for name in pair if name in names]
    rows = []
    # A file may be called NA, and a label NA says that there is none.
    verbatim = [column for column, name in zip(table.columns, names, strict=True) if name == paths[0]]
    notes += [Skipped(str(path), note) for note in table.label_notes(verbatim)]
    for line, record in zip(table.lines, table.records(verbatim=verbatim), strict=True):
        labels = dict(zip(names, map(clean, record.values()), strict=True))
        of_file, (part, fault) = labels.pop(paths[0]), _part([labels.pop(name, "") for name in ends], table.decimal)
        rows.append(FileRow(line, of_file, labels, part, fault or ("" if of_file else "its path is empty")))
    if not kind.in_parts and (cut := next((row for row in rows if row.part), None)):
        raise CPCError(
            f"{path}, line {cut.line}: start and end select a part of a file, and a {kind.noun} is read whole. Cut the files, or call the "
            "columns otherwise."
        )
    return rows, notes


def known_columns(path: Path, columns: Sequence[str], known: Collection[str] = _KNOWN) -> tuple[list[str], list[Skipped]]:
    """The names of the columns, those that differ by case from a known one under that name; and notes of these."""
    names, notes = [clean(name) for name in columns], list[Skipped]()
    for number, name in enumerate(names):
        if (usual := alike(name)) in known and usual not in names:
            notes.append(Skipped(f"{path}, column {name!r}", f"it is read as {usual!r}"))
            names[number] = usual
    return names, notes


def unused_columns(path: Path, names: Sequence[str], noun: str, used: Sequence[str]) -> list[Skipped]:
    """Notes of columns that name groups elsewhere and are only labels here. used: those that name groups here."""
    instead = f"; call it {used[0]!r} if it should" if used and used[0] not in names else ""
    why = f"it is a label only and does not name the group of a {noun}{instead}"
    return [Skipped(f"{path}, column {name!r}", why) for name in names if name in GROUP_COLUMNS and name not in used]


def _part(ends: Sequence[str], decimal: str) -> tuple[tuple[float, float] | None, str]:
    """(start, end) in seconds, or why the row cannot be used."""
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
            f"from {ends[0] or 0} s to {ends[1] or 'the end'} s is no part of a file; it must end after it starts, from 0 s on",
        )
    return (start, end), ""
