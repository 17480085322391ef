"""Read tables about files: manifests list files, and tables of labels describe the files of a folder."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torchcpc.contracts import CPCError, Skipped
from torchcpc.data.files.found import FileKind, Found, FoundFile, at_line, top_folder
from torchcpc.data.files.rows import FileRow, file_rows, names_files
from torchcpc.data.keys import Keys

MANIFESTS = (".csv", ".parquet", ".tsv")
# Names of tables of labels in a folder. The metadata files are those of Hugging Face's folders of pictures and sounds.
LABEL_TABLES = ("labels.csv", "labels.tsv", "labels.parquet", "metadata.csv", "metadata.parquet")


def labelled_files(root: Path, files: Sequence[FoundFile], kind: FileKind) -> Found:
    """Add the labels of a table to the files of a folder.

    The table is in the folder itself, or in each of the folders directly below it.

    Args:
        root: The folder.
        files: Files below it.
        kind: Kind of the files.
    """
    tables = [(root, "")] if _table_in(root) else [(root / top, f"{top}/") for top in sorted(_tops(files))]
    found, skipped, notes = {file.key: file for file in files}, list[Skipped](), list[Skipped]()
    for folder, prefix in tables:
        if table := _table_in(folder):
            own = [file for file in files if file.key.startswith(prefix) and file.path != table]
            labels, faulty, doubts = _labels_of(table, own, prefix, kind)
            found = {
                key: replace(file, labels=labels.get(key, file.labels)) for key, file in found.items() if file.path != table
            }
            skipped, notes = skipped + faulty, notes + doubts
    return Found([_grouped(file, kind) for file in found.values()], skipped, notes)


def is_manifest(path: Path) -> bool:
    """Return whether a file lists files.

    Args:
        path: A table with a column of paths, or a manifest in fairseq's format.
    """
    return path.suffix.lower() in MANIFESTS and (names_files(path) or _is_fairseq(path))


def read_manifest(manifest: Path, kind: FileKind) -> Found:
    """Read the files that a manifest lists.

    Paths are absolute, or relative to the folder of the manifest. A fairseq manifest names that folder in its first line.
    The suffix of a path may be omitted. Other columns are labels; `start` and `end` select a part of a file, in seconds.

    Args:
        manifest: The table.
        kind: Kind of the files.

    Raises:
        CPCError: If none of the listed files exists, or the table selects parts of files that can only be read whole.
    """
    if manifest.suffix.lower() == ".tsv" and not names_files(manifest):
        base, rows, notes = *_fairseq_rows(manifest), list[Skipped]()
    else:
        base, (rows, notes) = manifest.parent, file_rows(manifest, kind, parts=True)
    files: list[FoundFile] = []
    skipped: list[Skipped] = []
    folders: dict[Path, dict[str, list[str]]] = {}
    for row in rows:
        paths = [] if row.fault else _existing(base, row.path, kind, folders)
        if len(paths) == 1:
            files.append(_grouped(_named(base, paths[0], row), kind))
        else:
            several = f"{row.path!r} may be any of {', '.join(path.name for path in paths)}; write its suffix"
            absent = f"it names {row.path!r}, but there is no such file"
            skipped.append(at_line(manifest, row.line, row.fault or (several if paths else absent)))
    if not files:
        reason = f" For instance {skipped[0].path}: {skipped[0].reason}." if skipped else ""
        raise CPCError(f"{manifest} names no file that exists. Its paths are read relative to {base}.{reason}")
    return Found(files, skipped, notes)


def _labels_of(
    table: Path, files: Sequence[FoundFile], prefix: str, kind: FileKind
) -> tuple[dict[str, dict[str, str]], list[Skipped], list[Skipped]]:
    """Return the labels by key, the rows that label nothing, and notes. Keys in the table lack the `prefix`."""
    keys = Keys([file.key.removeprefix(prefix) for file in files], [file.path for file in files])
    rows, notes = file_rows(table, kind)
    labels: dict[str, tuple[FileRow, dict[str, str]]] = {}
    skipped: list[Skipped] = []
    for row in rows:
        meant = [] if row.fault else keys.meant(row.path)
        if len(meant) == 1:
            key = files[meant[0]].key
            first, known = labels.setdefault(key, (row, row.labels))
            if known != row.labels:
                raise CPCError(
                    f"{table} labels {key} twice, differently (lines {first.line} and {row.line}). Keep one of the rows."
                )
            continue
        there = os.path.lexists(table.parent / row.path)
        other = f"it does not count as a {kind.noun} (hidden, unreadable or of another kind)"
        absent = f"it labels {row.path!r}, but {other if there else 'there is no such file'}"
        skipped.append(at_line(table, row.line, row.fault or (f"{row.path!r} {keys.ambiguity(meant)}" if meant else absent)))
    return {key: own for key, (_, own) in labels.items()}, skipped, notes


def _table_in(folder: Path) -> Path | None:
    """Return the table of labels in a folder, or None.

    A file named labels.csv always counts as one. Others count only if they name files.
    """
    paths = (folder / name for name in LABEL_TABLES)
    return next((path for path in paths if os.path.isfile(path) and (path.name == LABEL_TABLES[0] or names_files(path))), None)


def _tops(files: Sequence[FoundFile]) -> set[str]:
    return {file.key.split("/", 1)[0] for file in files if "/" in file.key}


def _grouped(file: FoundFile, kind: FileKind) -> FoundFile:
    group = next((file.labels[column] for column in kind.group_columns if file.labels.get(column)), file.group)
    return file if group == file.group else replace(file, group=group)


def _is_fairseq(path: Path) -> bool:
    """Return whether the first line of a .tsv file is the folder of the files that it lists."""
    if path.suffix.lower() != ".tsv" or not os.path.isfile(path):
        return False
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.readline(1 << 16).strip()
        return bool(first) and "\t" not in first and (path.parent / first).is_dir()
    except (OSError, ValueError):
        return False


def _fairseq_rows(manifest: Path) -> tuple[Path, list[FileRow]]:
    """Return the folder in the first line, and the rows `relative path<TAB>frames`. The frames are ignored."""
    try:
        # splitlines would also break at other characters that file names may hold.
        lines = manifest.read_text(encoding="utf-8-sig").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CPCError(f"{manifest} is not a readable UTF-8 text: {error}. Write it again.") from None
    if not _is_fairseq(manifest):
        raise CPCError(
            f"{manifest}: the first line must be the root folder, and {lines[0][:200]!r} is none. Then come path<TAB>frames. Or name the "
            "columns there: path, then any labels."
        )
    rows = [(number, line.split("\t")[0].strip("\r")) for number, line in enumerate(lines[1:], start=2) if line.strip()]
    return manifest.parent / lines[0].strip(), [FileRow(line, path) for line, path in rows]


def _existing(base: Path, name: str, kind: FileKind, folders: dict[Path, dict[str, list[str]]]) -> list[Path]:
    """Return the file of a given name, or the files that have this name plus a suffix.

    `folders` stores the names in each folder by stem, since a folder may be asked for a thousand names.
    """
    for spelled in dict.fromkeys((name, name.replace("\\", "/"))):
        path = base / spelled
        # os.path, because Path raises if access is denied; os.path says that the file does not exist.
        if os.path.isfile(path):
            return [path]
        if path.parent not in folders:
            folders[path.parent] = _by_stem(path.parent)
        others = folders[path.parent].get(path.name, [])
        if found := [path.with_name(other) for other in others if other.lower().endswith(kind.suffixes)]:
            return [other for other in found if os.path.isfile(other)]
    return []


def _by_stem(folder: Path) -> dict[str, list[str]]:
    """Return the names in a folder by the text before their last dot; nothing if it cannot be read."""
    try:
        names = sorted(os.listdir(folder))
    except (OSError, ValueError):
        return {}
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.rpartition(".")[0], []).append(name)
    return found


def _named(base: Path, path: Path, row: FileRow) -> FoundFile:
    """Return the file of a row; its key is the path below the folder of the manifest.

    An absolute path below that folder gives the same key. Without a speaker, the group is the top folder. For a path
    outside the folder of the manifest, the group is the parent folder.
    """
    whole = os.path.abspath(path)
    below = next(
        (whole[len(top) + 1 :] for top in (os.path.abspath(base), os.path.realpath(base)) if whole.startswith(top + os.sep)), ""
    )
    key = Path(below).as_posix() if below else Path(row.path).as_posix()
    file = FoundFile(path, key, top_folder(key) if below else path.parent.name, row.labels)
    if row.part is None:
        return file
    start, end = (f"{seconds:.6f}".rstrip("0").rstrip(".") for seconds in row.part)
    return replace(file, key=f"{key}@{start}-{'' if row.part[1] == float('inf') else end}", part_of=key, part=row.part)
