"""Find every file of one kind below the given roots, once and under one name each.

A root is a folder, a manifest or a single file.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from torchcpc.contracts import CPCError, Skipped
from torchcpc.data.files.found import FileKind, Found, FoundFile, skip, top_folder, without_collecting
from torchcpc.data.files.manifests import LABEL_TABLES, MANIFESTS, is_manifest, labelled_files, read_manifest
from torchcpc.data.files.walk import walk
from torchcpc.data.names import SPLIT, TEST, part_of_file


@without_collecting()
def find(roots: Sequence[str | Path], kind: FileKind, parts: Mapping[Path, str] | None = None) -> Found:
    """Find the files of one kind in all roots.

    The order does not depend on the file system. A key is the path relative to the root. With several roots, each key
    begins with the name of its root, and with enough parent folders to distinguish the roots. Groups of the same name are
    one group across roots.

    Args:
        roots: Folders, manifests and single files.
        kind: Kind of file to find.
        parts: Part of the data by root, such as "test". By default it is read from the names of the roots
            (`parts_of_roots`).

    Returns:
        The files, what was skipped, and notes.

    Raises:
        CPCError: If a root is missing, empty or unusable.
    """
    if isinstance(roots, (str, Path)) or not roots:
        raise CPCError(f"roots = {roots!r}: give a list of one or more folders or manifests.")
    paths = [Path(root) for root in roots]
    files: list[FoundFile] = []
    skipped: list[Skipped] = []
    notes: list[Skipped] = []
    seen: dict[tuple[str, tuple[float, float] | None], Path] = {}
    said = parts_of_roots(paths) if parts is None else parts
    notes += part_notes(said)
    for root, prefix in zip(paths, prefixes(paths), strict=True):
        part = said.get(root, "")
        of_root, faulty, doubtful = _open(root, kind)
        skipped += faulty
        notes += doubtful
        for file in of_root:
            real = file.real or os.path.realpath(file.path)
            if (real, file.part) in seen:
                skipped.append(skip(file.path, f"the same file as {seen[real, file.part]}, listed twice"))
                continue
            seen[real, file.part] = file.path
            if prefix or part or not file.real:
                key = prefix.rstrip("/") if prefix and file.path == root else prefix + file.key
                whole = file.part_of and prefix + file.part_of
                file = replace(file, key=key, part_of=whole, root=str(root), labels=in_part(file.labels, part), real=real)
            files.append(file)
    # Roots may be nested, and an unusable file in both is one fault.
    return Found(files, list(dict.fromkeys(skipped)), list(dict.fromkeys(notes)))


def parts_of_roots(roots: Sequence[Path]) -> dict[Path, str]:
    """Return the part of the data that each root names, such as train.csv and test.csv.

    Args:
        roots: Folders and files.

    Returns:
        Part by root. It is empty unless there are several roots, all name a part, and one of them is the test part.
    """
    said = {root: part_of_file(root.stem if root.suffix.lower() in MANIFESTS else root.name) for root in roots}
    return said if len(said) > 1 and all(said.values()) and TEST in said.values() and len(set(said.values())) > 1 else {}


def part_notes(parts: Mapping[Path, str]) -> list[Skipped]:
    """Return notes about the parts that were read from the names of the roots.

    Args:
        parts: Part by root.
    """
    return [
        skip(root, f"its sources are the {part} part, as its name says, except those that have a label 'split'")
        for root, part in parts.items()
    ]


def in_part(labels: Mapping[str, str], part: str) -> Mapping[str, str]:
    """Return the labels with the part of the root, unless they already have a split.

    Args:
        labels: Label by column.
        part: Part of the root, or "".
    """
    return {**labels, SPLIT: labels.get(SPLIT) or part} if part else labels


def prefixes(roots: Sequence[Path]) -> list[str]:
    """Return the prefix of the keys of each root.

    Args:
        roots: Folders and files.

    Returns:
        "" for a single root; otherwise the folders that distinguish the roots, with "/" at the end.
    """
    parts = [Path(os.path.abspath(root)).parts for root in roots]
    return [""] if len(roots) == 1 else [tail.lstrip("/") + "/" for tail in shortest_tails(parts)]


def shortest_tails(parts: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the last parts of each path, as many as distinguish the different paths.

    Args:
        parts: Parts of each path.
    """
    different = len(set(parts))
    depth = next(d for d in range(1, max(map(len, parts), default=1) + 1) if len({p[-d:] for p in parts}) == different)
    return ["/".join(p[-depth:]) for p in parts]


def _open(root: Path, kind: FileKind) -> Found:
    suffix, tables = root.suffix.lower(), ", ".join(MANIFESTS)
    # os.path, because Path raises for an impossible name; os.path says that nothing has this name.
    if os.path.isdir(root):
        return _in_folder(root, kind)
    if not os.path.exists(root):
        raise CPCError(f"{root} does not exist. Name a folder of {kind.noun} files, or a manifest ({tables}).")
    if not os.path.isfile(root):
        raise CPCError(
            f"{root} is neither a folder nor a file, but a pipe or a device. Name a folder or a manifest ({tables})."
        )
    if suffix in kind.suffixes and not is_manifest(root):
        one = [skip(root, "read as one source; a list of files has a column 'path'")] if suffix in MANIFESTS else []
        return Found([FoundFile(root, root.name, top_folder(root.name))], [], one)
    if suffix not in MANIFESTS:
        raise CPCError(f"{root} is neither a folder, a {kind.noun} nor a manifest ({tables}). Name the folder that holds it.")
    return read_manifest(root, kind)


def _in_folder(root: Path, kind: FileKind) -> Found:
    """Return the files of one kind at any depth, with the labels of the table in `root`."""
    files, skipped, notes = walk(root, kind, used=frozenset(LABEL_TABLES))
    if not files and not skipped:
        there = f": {notes[0].reason}" if notes else f" ({', '.join(kind.suffixes)})"
        raise CPCError(f"{root} holds no {kind.noun} at any depth{there}. Name the folder that does.")
    found = labelled_files(root, files, kind)
    return Found(found.files, skipped + found.skipped, found.notes + notes)
