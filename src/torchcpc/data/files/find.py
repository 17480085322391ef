"""Every file of one kind that some roots name, once, under one name each: in folders, in manifests, or by itself."""

import os
import posixpath
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torchcpc.contracts import CPCError, Skipped
from torchcpc.data.files.table import records_with_paths


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a folder is searched for. noun: the word for one such file; suffixes: of the files that are read; unsupported: of files that
    are skipped with a reason instead of ignored."""

    noun: str
    suffixes: tuple[str, ...]
    unsupported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to decode: where it is, its unique name, its group (speaker) and its labels by column."""

    path: Path
    key: str
    group: str
    labels: Mapping[str, str] = field(default_factory=dict)


Found = tuple[list[FoundFile], list[Skipped]]


def skip(path: Path | str, reason: str) -> Skipped:
    """A skip whose path can be written down, even where the file system's bytes are no text."""
    return Skipped(str(path).encode("utf8", "backslashreplace").decode("utf8"), reason)


def one_line(error: Exception) -> str:
    """The message of a foreign error on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def no_longer_readable(path: object, cause: object) -> CPCError:
    """The error of a file that was usable when it was scanned."""
    return CPCError(f"{path} could be read when it was scanned, but not now: {cause}. Restore it, or scan again.")


def group_of(file: FoundFile, column: str) -> str:
    """The label of the file in `column`, or its own group where no column is named. Raises CPCError if it has no such label."""
    if column and not file.labels.get(column):
        raise CPCError(
            f"data.group = {column!r}: {file.key} has no such label (labels: {', '.join(file.labels) or 'none'}). Correct or fill in the "
            "column, or leave data.group empty."
        )
    return file.labels[column] if column else file.group


def top_folder(key: str) -> str:
    """The group of a file that no column names: the first folder of its relative path, "." where it has none."""
    return key.split("/")[0] if "/" in key else "."


def find(roots: Sequence[str | Path], kind: FileKind) -> Found:
    """Files of `kind` of all roots (folders, manifests or single files), root by root, in an order that does not depend on the file system.

    Keys are the paths relative to the root; with several roots each begins with the root's name, and with as many of its parent
    folders as tell the roots apart. Groups of one name are one group, whichever root they are in. Raises CPCError for a root
    that is missing, empty or unusable.
    """
    if isinstance(roots, (str, Path)) or not roots:
        raise CPCError(f"roots = {roots!r}: give a list of one or more folders or manifests.")
    paths = [Path(root) for root in roots]
    files: list[FoundFile] = []
    skipped: list[Skipped] = []
    seen: dict[str, Path] = {}
    for root, prefix in zip(paths, prefixes(paths), strict=True):
        of_root, faulty = _open(root, kind)
        skipped += faulty
        for file in of_root:
            real = os.path.realpath(file.path)
            if real in seen:
                skipped.append(skip(file.path, f"the same file as {seen[real]}, listed twice"))
            else:
                seen[real] = file.path
                key = prefix.rstrip("/") if prefix and file.path == root else prefix + file.key
                files.append(FoundFile(file.path, key, file.group, file.labels))
    return files, skipped


def prefixes(roots: Sequence[Path]) -> list[str]:
    """What keys begin with for each root: nothing for a single one, else the folders that tell the roots apart."""
    parts = [Path(os.path.abspath(root)).parts for root in roots]
    return [""] if len(roots) == 1 else [tail.lstrip("/") + "/" for tail in shortest_tails(parts)]


def shortest_tails(parts: Sequence[tuple[str, ...]]) -> list[str]:
    """The last parts of each path, as many of them as tell the different ones apart."""
    different = len(set(parts))
    depth = next(d for d in range(1, max(map(len, parts), default=1) + 1) if len({p[-d:] for p in parts}) == different)
    return ["/".join(p[-depth:]) for p in parts]


def _open(root: Path, kind: FileKind) -> Found:
    suffix, tables = root.suffix.lower(), ", ".join(_MANIFESTS)
    if root.is_dir():
        return _in_folder(root, kind)
    if not root.exists():
        raise CPCError(f"{root} does not exist. Name a folder of {kind.noun} files, or a manifest ({tables}).")
    if root.is_file() and suffix in set(kind.suffixes) - set(_MANIFESTS):
        return [FoundFile(root, root.name, top_folder(root.name))], []
    if suffix not in _MANIFESTS:
        raise CPCError(f"{root} is neither a folder, a {kind.noun} nor a manifest ({tables}). Name the folder that holds it.")
    return _MANIFESTS[suffix](root)


def _in_folder(root: Path, kind: FileKind) -> Found:
    """Files of `kind` at any depth; the top folder is the group, unless labels.csv in `root` has a column `speaker`."""
    paths, skipped = _walk(root, kind)
    if not paths and not skipped:
        raise CPCError(f"{root} holds no {kind.noun} at any depth ({', '.join(kind.suffixes)}). Name the folder that does.")
    table = root / "labels.csv"
    records = _by_path(table) if table.is_file() else {}
    files, labelled = [], set()
    for path in paths:
        key = path.relative_to(root).as_posix()
        labelled.add(name := _one_spelling(key))
        labels = {column: value for column, value in records.get(name, {}).items() if column != "path"}
        files.append(FoundFile(path, key, labels.get("speaker") or top_folder(key), labels))
    for path in (root / record["path"] for name, record in records.items() if name not in labelled):
        other = f"it is not taken for a {kind.noun} (hidden, unreadable or of another kind)"
        reason = other if os.path.exists(path) else "there is no such file"
        skipped.append(skip(path, f"labelled in {table.name}, but {reason}"))
    return files, skipped


def _walk(root: Path, kind: FileKind) -> tuple[list[Path], list[Skipped]]:
    """Names that begin with a dot are ignored, links to folders are followed except back into a folder that holds them."""
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
        for path in (folder / name for name in names if not name.startswith(".")):
            name, fault = path.name.lower(), ""
            # os.path and not Path: what may not be looked at is not there, instead of raised.
            if os.path.isdir(path):
                real = os.path.realpath(path)
                if real not in above:
                    waiting.append((path, above | {real}))
                else:
                    fault = "a link back to a folder that holds it"
            elif name.endswith(kind.unsupported):
                fault = f"{path.suffix} files cannot be decoded; convert them, for instance to {kind.suffixes[0]}"
            elif name.endswith(kind.suffixes) and not (fault := _unusable(path)):
                files.append(path)
            if fault:
                skipped.append(skip(path, fault))
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
        if records.setdefault(_one_spelling(record["path"]), record) != record:
            raise CPCError(f"{table} labels {record['path']} twice, differently. Keep one of the rows.")
    return records


def _one_spelling(path: str) -> str:
    """File systems and editors compose accents differently."""
    return unicodedata.normalize("NFC", posixpath.normpath(path))


def _in_table(manifest: Path) -> Found:
    """Paths are absolute or relative to the manifest's folder; other columns are labels, `speaker` the group."""
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
    return files, skipped


_MANIFESTS: dict[str, Callable[[Path], Found]] = {".csv": _in_table, ".parquet": _in_table, ".tsv": _in_tsv}
