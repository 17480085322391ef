"""Every file of one kind that some roots name, once, under one name each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from torchcpc.contracts import CPCError, Skipped
from torchcpc.data.files.folder import find_in_folder
from torchcpc.data.files.found import FileKind, FoundFile, skip, top_folder
from torchcpc.data.files.manifest import MANIFESTS


def find(roots: Sequence[str | Path], kind: FileKind) -> tuple[list[FoundFile], list[Skipped]]:
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


def _open(root: Path, kind: FileKind) -> tuple[list[FoundFile], list[Skipped]]:
    if root.is_dir():
        return find_in_folder(root, kind)
    tables = ", ".join(MANIFESTS)
    if not root.exists():
        raise CPCError(f"{root} does not exist. Name a folder of {kind.noun}s, or a manifest ({tables}).")
    if root.is_file() and root.suffix.lower() in set(kind.suffixes) - set(MANIFESTS):
        return [FoundFile(root, root.name, top_folder(root.name))], []
    if root.suffix.lower() not in MANIFESTS:
        raise CPCError(f"{root} is neither a folder, a {kind.noun} nor a manifest ({tables}). Name the folder that holds it.")
    return MANIFESTS[root.suffix.lower()](root)


def prefixes(roots: Sequence[Path]) -> list[str]:
    """What keys begin with for each root: nothing for a single one, else the folders that tell the roots apart."""
    if len(roots) == 1:
        return [""]
    parts = [Path(os.path.abspath(root)).parts for root in roots]
    return [tail.lstrip("/") + "/" for tail in shortest_tails(parts)]


def shortest_tails(parts: Sequence[tuple[str, ...]]) -> list[str]:
    """The last parts of each path, as many of them as tell the different ones apart."""
    different = len(set(parts))
    depth = next(d for d in range(1, max(map(len, parts), default=1) + 1) if len({p[-d:] for p in parts}) == different)
    return ["/".join(p[-depth:]) for p in parts]
