"""Every file of one kind that some roots name, once, under one name each: in folders, in manifests, or by itself."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from torchcpc.contracts import CPCError, Skipped
from torchcpc.data.files.found import FileKind, Found, FoundFile, skip, top_folder
from torchcpc.data.files.manifests import MANIFESTS, is_manifest, labelled_files, read_manifest
from torchcpc.data.names import SPLIT, TEST, part_of_file


def find(roots: Sequence[str | Path], kind: FileKind, parts: Mapping[Path, str] | None = None) -> Found:
    """Files of `kind` of all roots (folders, manifests or single files), root by root, in an order that does not depend on the file system.

    Keys are the paths relative to the root; with several roots each begins with the root's name, and with as many of its parent
    folders as tell the roots apart. Groups of one name are one group, whichever root they are in. parts: what the names of the roots say
    of the split (`parts_of_roots`, by default of these). Raises CPCError for a root that is missing, empty or unusable.
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
            real = os.path.realpath(file.path), file.part
            if real in seen:
                skipped.append(skip(file.path, f"the same file as {seen[real]}, listed twice"))
            else:
                seen[real] = file.path
                key = prefix.rstrip("/") if prefix and file.path == root else prefix + file.key
                whole = file.part_of and prefix + file.part_of
                files.append(replace(file, key=key, part_of=whole, root=str(root), labels=in_part(file.labels, part)))
    # Roots may lie within each other, and what is unusable in both is one fault.
    return Found(files, list(dict.fromkeys(skipped)), list(dict.fromkeys(notes)))


def parts_of_roots(roots: Sequence[Path]) -> dict[Path, str]:
    """The part of the data that each root says it is by its name, such as train.csv and test.csv. Nothing, unless all of several roots say
    so, and one is the test."""
    said = {root: part_of_file(root.stem if root.suffix.lower() in MANIFESTS else root.name) for root in roots}
    return said if len(said) > 1 and all(said.values()) and TEST in said.values() and len(set(said.values())) > 1 else {}


def part_notes(parts: Mapping[Path, str]) -> list[Skipped]:
    """What was told from the names of the roots."""
    return [
        skip(root, f"its sources are the {part} part, as its name says, but for those with a split of their own")
        for root, part in parts.items()
    ]


def in_part(labels: Mapping[str, str], part: str) -> Mapping[str, str]:
    """The labels with the part of the root, unless they have a split of their own."""
    return {**labels, SPLIT: labels.get(SPLIT) or part} if part else labels


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
    suffix, tables = root.suffix.lower(), ", ".join(MANIFESTS)
    if root.is_dir():
        return _in_folder(root, kind)
    if not root.exists():
        raise CPCError(f"{root} does not exist. Name a folder of {kind.noun} files, or a manifest ({tables}).")
    if suffix in kind.suffixes and not is_manifest(root):
        return Found([FoundFile(root, root.name, top_folder(root.name))], [], [])
    if suffix not in MANIFESTS:
        raise CPCError(f"{root} is neither a folder, a {kind.noun} nor a manifest ({tables}). Name the folder that holds it.")
    return read_manifest(root, kind)


def _in_folder(root: Path, kind: FileKind) -> Found:
    """Files of `kind` at any depth, with the labels that a table in `root` gives them."""
    paths, skipped = _walk(root, kind)
    if not paths and not skipped:
        raise CPCError(f"{root} holds no {kind.noun} at any depth ({', '.join(kind.suffixes)}). Name the folder that does.")
    keys = [path.relative_to(root).as_posix() for path in paths]
    found = labelled_files(root, [FoundFile(path, key, top_folder(key)) for path, key in zip(paths, keys, strict=True)], kind)
    return found._replace(skipped=skipped + found.skipped)


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
