"""Which files a root names, who speaks in them, and what is known of them: from a folder, a labels.csv, or a manifest file.

A folder: audio at any depth; the top folder below the root is the group (speaker), unless `labels.csv` in the root (column `path`,
relative to the root, and any label columns) has a column `speaker`. A manifest: .csv or .parquet with the same columns, paths
relative to the manifest's folder or absolute; or .tsv in fairseq's form, the root on the first line, then path<TAB>frames.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from torchcpc.contracts import CPCError

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as named: nothing is known yet of what is in it."""

    path: Path
    key: str
    group: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out, and why."""

    path: str
    reason: str


def find(roots: Iterable[str | Path]) -> tuple[list[Listed], list[Skipped]]:
    """Every recording that the roots name, in an order that does not depend on the file system, and what was left out."""
    listed: list[Listed] = []
    skipped: list[Skipped] = []
    seen: dict[Path, str] = {}
    roots = [Path(root) for root in roots]
    for root in roots:
        found, left_out = _open(root)
        skipped += left_out
        # With several roots, the same relative path may occur twice; the root's own name keeps keys unique.
        for entry in found:
            key = f"{root.name}/{entry.key}" if len(roots) > 1 else entry.key
            real = entry.path.resolve()
            if real in seen:
                skipped.append(Skipped(str(entry.path), f"the same file as {seen[real]}, listed twice"))
                continue
            seen[real] = str(entry.path)
            listed.append(Listed(entry.path, key, entry.group, entry.labels))
    return listed, skipped


def _open(root: Path) -> tuple[list[Listed], list[Skipped]]:
    if root.is_dir():
        return _folder(root)
    if not root.exists():
        raise CPCError(f"{root} does not exist. Name a folder of recordings, or a manifest (.csv, .parquet, .tsv).")
    if root.suffix not in MANIFESTS:
        raise CPCError(
            f"{root} is neither a folder nor a manifest ({', '.join(MANIFESTS)}). Name the folder that holds the file."
        )
    return MANIFESTS[root.suffix](root)


def _folder(root: Path) -> tuple[list[Listed], list[Skipped]]:
    files = sorted(
        Path(folder) / name
        for folder, folders, names in os.walk(root)
        # Pruned in place, as os.walk asks for: hidden folders hold no recordings.
        if not folders.__setitem__(slice(None), sorted(f for f in folders if not f.startswith(".")))
        for name in names
        if not name.startswith(".") and name.lower().endswith(SUFFIXES)
    )
    if not files:
        raise CPCError(f"{root} holds no recording at any depth ({', '.join(SUFFIXES)}). Name the folder that does.")
    table = root / "labels.csv"
    rows = {row["path"]: row for row in _rows(table)} if table.is_file() else {}
    listed = []
    for path in files:
        key = path.relative_to(root).as_posix()
        labels = {column: value for column, value in rows.pop(key, {}).items() if column != "path"}
        listed.append(Listed(path, key, labels.get("speaker") or _top(key), labels))
    return listed, [Skipped(str(root / path), f"labelled in {table.name}, but there is no such file") for path in rows]


def _top(key: str) -> str:
    """The top folder; a recording right in the root is a group of its own kind."""
    return key.split("/")[0] if "/" in key else "."


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CPCError(f"{table} is not a UTF-8 csv table: {error}. Save it as UTF-8 with commas.") from None
    return _checked(table, rows)


def _checked(table: Path, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    if not rows or "path" not in rows[0]:
        columns = ", ".join(rows[0]) if rows else "none, or no rows"
        raise CPCError(f"{table} has no column 'path' (columns: {columns}). Add one with the path of each recording.")
    # A short row gives None, a long one a list under the key None: both are dropped here.
    return [{key: value for key, value in row.items() if isinstance(key, str) and value is not None} for row in rows]


def _table(manifest: Path, rows: list[dict[str, str]]) -> tuple[list[Listed], list[Skipped]]:
    listed, skipped = [], []
    for row in rows:
        path = manifest.parent / row["path"]
        if not path.is_file():
            skipped.append(Skipped(str(path), f"listed in {manifest.name}, but there is no such file"))
            continue
        labels = {column: value for column, value in row.items() if column != "path"}
        listed.append(Listed(path, Path(row["path"]).as_posix(), labels.get("speaker") or _top(row["path"]), labels))
    if not listed:
        raise CPCError(f"{manifest} names no file that exists. Paths are read relative to {manifest.parent}.")
    return listed, skipped


def _csv(manifest: Path) -> tuple[list[Listed], list[Skipped]]:
    return _table(manifest, _rows(manifest))


def _parquet(manifest: Path) -> tuple[list[Listed], list[Skipped]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(manifest).to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise CPCError(f"{manifest} is not a readable parquet table: {error}. Write it again.") from None
    return _table(manifest, _checked(manifest, [{k: "" if v is None else str(v) for k, v in row.items()} for row in rows]))


def _tsv(manifest: Path) -> tuple[list[Listed], list[Skipped]]:
    lines = manifest.read_text(encoding="utf8").splitlines()
    if not lines or "\t" in lines[0]:
        raise CPCError(f"{manifest}: the first line of a .tsv manifest is the root folder, the others are path<TAB>frames.")
    root = manifest.parent / lines[0].strip()
    listed, skipped = _table(manifest, [{"path": str(root / line.split("\t")[0])} for line in lines[1:] if line.strip()])
    return [Listed(e.path, k := e.path.relative_to(root).as_posix(), _top(k)) for e in listed], skipped


MANIFESTS: dict[str, Callable[[Path], tuple[list[Listed], list[Skipped]]]] = {".csv": _csv, ".parquet": _parquet, ".tsv": _tsv}
