"""What tables say about files: manifests, which list them, and labels.csv, which labels those of a folder."""

import os
import posixpath
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from torchcpc.contracts import CPCError
from torchcpc.data.files.found import Found, FoundFile, skip, top_folder


def labelled_files(root: Path, paths: Sequence[Path], noun: str) -> Found:
    """The files at `paths` in the folder `root`; the top folder is the group, unless labels.csv in `root` has a column `speaker`."""
    table = root / "labels.csv"
    records = _by_path(table) if table.is_file() else {}
    files, skipped, labelled = [], [], set()
    for path in paths:
        key = path.relative_to(root).as_posix()
        labelled.add(name := _one_spelling(key))
        labels = {column: value for column, value in records.get(name, {}).items() if column != "path"}
        files.append(FoundFile(path, key, labels.get("speaker") or top_folder(key), labels))
    for path in (root / record["path"] for name, record in records.items() if name not in labelled):
        other = f"it is not taken for a {noun} (hidden, unreadable or of another kind)"
        reason = other if os.path.exists(path) else "there is no such file"
        skipped.append(skip(path, f"labelled in {table.name}, but {reason}"))
    return Found(files, skipped, [])


def _by_path(table: Path) -> dict[str, dict[str, str]]:
    from torchcpc.data.tables.table import records_with_paths

    records: dict[str, dict[str, str]] = {}
    for record in records_with_paths(table):
        if records.setdefault(_one_spelling(record["path"]), record) != record:
            raise CPCError(f"{table} labels {record['path']} twice, differently. Keep one of the rows.")
    return records


def _one_spelling(path: str) -> str:
    """File systems and editors compose accents differently."""
    return unicodedata.normalize("NFC", posixpath.normpath(path))


def _in_table(manifest: Path) -> Found:
    """Paths are absolute or relative to the manifest's folder; other columns are labels, `speaker` the group."""
    from torchcpc.data.tables.table import records_with_paths

    return _existing(manifest, manifest.parent, [(record.pop("path"), record) for record in records_with_paths(manifest)])


def _in_tsv(manifest: Path) -> Found:
    """fairseq's form. First line the root folder, then `path relative to it<TAB>frames`; the frames are counted anew by decoding."""
    try:
        # splitlines would also break at characters that file names may hold.
        lines = manifest.read_text(encoding="utf8").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CPCError(f"{manifest} is not a readable UTF-8 text: {error}. Write it again.") from None
    root = manifest.parent / lines[0].strip()
    if not lines[0].strip() or "\t" in lines[0] or not root.is_dir():
        raise CPCError(
            f"{manifest}: the first line must be the root folder, and {lines[0]!r} is none. Then come path<TAB>frames."
        )
    return _existing(manifest, root, [(line.split("\t")[0].strip("\r"), {}) for line in lines[1:] if line.strip()])


def _existing(manifest: Path, base: Path, named: list[tuple[str, dict[str, str]]]) -> Found:
    """Without a speaker the group is the top folder, and for a path that leads out of the manifest's folder the folder it ends in."""
    files, skipped = [], []
    for name, labels in named:
        path = base / name
        if not os.path.isfile(path):
            skipped.append(skip(path, f"listed in {manifest.name}, but there is no such file"))
            continue
        outside = Path(name).is_absolute() or ".." in Path(name).parts
        group = path.parent.name if outside else top_folder(Path(name).as_posix())
        files.append(FoundFile(path, Path(name).as_posix(), labels.get("speaker") or group, labels))
    if not files:
        raise CPCError(f"{manifest} names no file that exists. Its paths are read relative to {base}.")
    return Found(files, skipped, [])


MANIFESTS: dict[str, Callable[[Path], Found]] = {".csv": _in_table, ".parquet": _in_table, ".tsv": _in_tsv}
