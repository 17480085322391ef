"""The files of one kind in a folder: at any depth, in one order on every file system, with the labels of its labels.csv."""

from __future__ import annotations

import os
import posixpath
import unicodedata
from pathlib import Path

from torchcpc.contracts import CPCError, Skipped
from torchcpc.data.files.found import FileKind, FoundFile, skip, top_folder
from torchcpc.data.files.table import records_with_paths


def find_in_folder(root: Path, kind: FileKind) -> tuple[list[FoundFile], list[Skipped]]:
    """Files of `kind` under `root`; the top folder is the group, unless labels.csv in `root` has a column `speaker`.

    Names that begin with a dot are ignored, links to folders are followed except back into a folder that holds them. Raises
    CPCError if there is nothing to read, or labels.csv cannot be used.
    """
    paths, skipped = _walk(root, kind)
    if not paths and not skipped:
        raise CPCError(f"{root} holds no {kind.noun} at any depth ({', '.join(kind.suffixes)}). Name the folder that does.")
    table = root / "labels.csv"
    records = _by_path(table) if table.is_file() else {}
    files, labelled = [], set()
    for path in paths:
        key = path.relative_to(root).as_posix()
        labelled.add(name := _plain(key))
        labels = {column: value for column, value in records.get(name, {}).items() if column != "path"}
        files.append(FoundFile(path, key, labels.get("speaker") or top_folder(key), labels))
    for name, record in records.items():
        if name in labelled:
            continue
        path = root / record["path"]
        other = f"it is not taken for a {kind.noun} (hidden, unreadable or of another kind)"
        skipped.append(
            skip(path, f"labelled in {table.name}, but {other if os.path.exists(path) else 'there is no such file'}")
        )
    return files, skipped


def _walk(root: Path, kind: FileKind) -> tuple[list[Path], list[Skipped]]:
    files: list[Path] = []
    skipped: list[Skipped] = []
    waiting = [(root, frozenset({os.path.realpath(root)}))]
    while waiting:
        folder, above = waiting.pop()
        try:
            names = os.listdir(folder)
        except OSError as error:
            skipped.append(skip(folder, f"the folder cannot be read: {error.strerror}"))
            continue
        for name in names:
            path = folder / name
            if name.startswith("."):
                continue
            # os.path and not Path: what may not be looked at is not there, instead of raised.
            if os.path.isdir(path):
                real = os.path.realpath(path)
                if real in above:
                    skipped.append(skip(path, "a link back to a folder that holds it"))
                else:
                    waiting.append((path, above | {real}))
            elif name.lower().endswith(kind.unsupported):
                how = f"convert them, for instance to {kind.suffixes[0]}"
                skipped.append(skip(path, f"{path.suffix} files cannot be decoded; {how}"))
            elif name.lower().endswith(kind.suffixes):
                if fault := _unusable(path):
                    skipped.append(skip(path, fault))
                else:
                    files.append(path)
    return sorted(files), sorted(skipped, key=lambda s: s.path)


def _unusable(path: Path) -> str:
    try:
        str(path).encode("utf8")
    except UnicodeEncodeError:
        return "its name is not UTF-8, so no table could name it; rename it"
    # A pipe would be waited on for ever, a link may lead nowhere.
    return "" if os.path.isfile(path) else "not a file (a link to nothing, a pipe or a device)"


def _by_path(table: Path) -> dict[str, dict[str, str]]:
    records: dict[str, dict[str, str]] = {}
    for record in records_with_paths(table):
        if records.setdefault(_plain(record["path"]), record) != record:
            raise CPCError(f"{table} labels {record['path']} twice, differently. Keep one of the rows.")
    return records


def _plain(path: str) -> str:
    # One spelling of a path: file systems and editors compose accents differently.
    return unicodedata.normalize("NFC", posixpath.normpath(path))
