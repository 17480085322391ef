"""Files that a table lists: .csv or .parquet with a column `path`, or .tsv in fairseq's form."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from torchcpc.contracts import CPCError, Skipped
from torchcpc.data.files.found import FoundFile, skip, top_folder
from torchcpc.data.files.table import records_with_paths


def find_in_table(manifest: Path) -> tuple[list[FoundFile], list[Skipped]]:
    """Paths are absolute or relative to the manifest's folder; other columns are labels, `speaker` the group.

    Without a speaker the group is the top folder, and for a path that leads out of the manifest's folder the folder it ends in.
    """
    named = [(record.pop("path"), record) for record in records_with_paths(manifest)]
    return _existing(manifest, manifest.parent, named)


def find_in_tsv(manifest: Path) -> tuple[list[FoundFile], list[Skipped]]:
    """First line the root folder, then `path relative to it<TAB>frames`; the frames are counted anew by decoding."""
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


def _existing(manifest: Path, base: Path, named: list[tuple[str, dict[str, str]]]) -> tuple[list[FoundFile], list[Skipped]]:
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
    return files, skipped


MANIFESTS: dict[str, Callable[[Path], tuple[list[FoundFile], list[Skipped]]]] = {
    ".csv": find_in_table,
    ".parquet": find_in_table,
    ".tsv": find_in_tsv,
}
