"""The files of one kind in a folder: at any depth, in one order on every file system, with the labels of its labels.csv."""

from __future__ import annotations

import os
import posixpath
import unicodedata
from pathlib import Path

from torchcpc.contracts import CPCError
from torchcpc.data.files.found import Kind, Listed, Skipped, left_out, top_folder
from torchcpc.data.files.tables import Row, read_csv


def find_in_folder(root: Path, kind: Kind) -> tuple[list[Listed], list[Skipped]]:
    """Files of `kind` under `root`; the top folder is the group, unless labels.csv in `root` has a column `speaker`.

    Names that begin with a dot are ignored, links to folders are followed except back into a folder that holds them. Raises
    CPCError if there is nothing to read, or labels.csv cannot be used.
    """
    paths, skipped = _walk(root, kind)
    if not paths and not skipped:
        raise CPCError(f"{root} holds no {kind.noun} at any depth ({', '.join(kind.suffixes)}). Name the folder that does.")
    table = root / "labels.csv"
    rows = _by_path(table) if table.is_file() else {}
    listed, used = [], set()
    for path in paths:
        key = path.relative_to(root).as_posix()
        used.add(name := _plain(key))
        labels = {column: value for column, value in rows.get(name, {}).items() if column != "path"}
        listed.append(Listed(path, key, labels.get("speaker") or top_folder(key), labels))
    for name, row in rows.items():
        if name not in used:
            there = os.path.exists(root / row["path"])
            other = f"it is not taken for a {kind.noun} (hidden, unreadable or of another kind)"
            why = other if there else "there is no such file"
            skipped.append(left_out(root / row["path"], f"labelled in {table.name}, but {why}"))
    return listed, skipped


def _walk(root: Path, kind: Kind) -> tuple[list[Path], list[Skipped]]:
    files: list[Path] = []
    skipped: list[Skipped] = []
    waiting = [(root, frozenset({os.path.realpath(root)}))]
    while waiting:
        folder, above = waiting.pop()
        try:
            names = os.listdir(folder)
        except OSError as error:
            skipped.append(left_out(folder, f"the folder cannot be read: {error.strerror}"))
            continue
        for name in names:
            path = folder / name
            if name.startswith("."):
                continue
            # os.path and not Path: what may not be looked at is not there, instead of raised.
            if os.path.isdir(path):
                real = os.path.realpath(path)
                if real in above:
                    skipped.append(left_out(path, "a link back to a folder that holds it"))
                else:
                    waiting.append((path, above | {real}))
            elif name.lower().endswith(kind.unsupported):
                how = f"convert them, for instance to {kind.suffixes[0]}"
                skipped.append(left_out(path, f"{path.suffix} files cannot be decoded; {how}"))
            elif name.lower().endswith(kind.suffixes):
                if fault := _unusable(path):
                    skipped.append(left_out(path, fault))
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


def _by_path(table: Path) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for row in read_csv(table):
        name = _plain(row["path"])
        if rows.setdefault(name, row) != row:
            raise CPCError(f"{table} labels {row['path']} twice, differently. Keep one of the rows.")
    return rows


def _plain(path: str) -> str:
    # One spelling of a path: file systems and editors compose accents differently.
    return unicodedata.normalize("NFC", posixpath.normpath(path))
