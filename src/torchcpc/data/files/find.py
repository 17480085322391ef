"""Every file of one kind that some roots name, once, under one name each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from torchcpc.contracts import CPCError
from torchcpc.data.files.folder import find_in_folder
from torchcpc.data.files.found import Kind, Listed, Skipped, left_out, top_folder
from torchcpc.data.files.manifest import MANIFESTS


def find(roots: Sequence[str | Path], kind: Kind) -> tuple[list[Listed], list[Skipped]]:
    """Files of `kind` of all roots (folders, manifests or single files), root by root, in an order that does not depend on the file system.

    Keys are the paths relative to the root; with several roots each begins with the root's name, and with as many of its parent
    folders as tell the roots apart. Groups of one name are one group, whichever root they are in. Raises CPCError for a root
    that is missing, empty or unusable.
    """
    if isinstance(roots, (str, Path)) or not roots:
        raise CPCError(f"roots = {roots!r}: give a list of one or more folders or manifests.")
    places = [Path(root) for root in roots]
    listed: list[Listed] = []
    skipped: list[Skipped] = []
    seen: dict[str, Path] = {}
    for place, prefix in zip(places, prefixes(places), strict=True):
        found, faulty = _open(place, kind)
        skipped += faulty
        for entry in found:
            real = os.path.realpath(entry.path)
            if real in seen:
                skipped.append(left_out(entry.path, f"the same file as {seen[real]}, listed twice"))
            else:
                seen[real] = entry.path
                key = prefix.rstrip("/") if prefix and entry.path == place else prefix + entry.key
                listed.append(Listed(entry.path, key, entry.group, entry.labels))
    return listed, skipped


def _open(root: Path, kind: Kind) -> tuple[list[Listed], list[Skipped]]:
    if root.is_dir():
        return find_in_folder(root, kind)
    tables = ", ".join(MANIFESTS)
    if not root.exists():
        raise CPCError(f"{root} does not exist. Name a folder of {kind.noun}s, or a manifest ({tables}).")
    if root.is_file() and root.suffix.lower() in set(kind.suffixes) - set(MANIFESTS):
        return [Listed(root, root.name, top_folder(root.name))], []
    if root.suffix.lower() not in MANIFESTS:
        raise CPCError(f"{root} is neither a folder, a {kind.noun} nor a manifest ({tables}). Name the folder that holds it.")
    return MANIFESTS[root.suffix.lower()](root)


def prefixes(places: Sequence[Path]) -> list[str]:
    if len(places) == 1:
        return [""]
    parts = [Path(os.path.abspath(place)).parts for place in places]
    different = len(set(parts))
    depth = next(d for d in range(1, max(map(len, parts)) + 1) if len({p[-d:] for p in parts}) == different)
    return ["/".join(p[-depth:]).lstrip("/") + "/" for p in parts]
