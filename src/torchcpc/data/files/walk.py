"""Find the files of one kind below a folder, at any depth.

Every folder is read once, and every file is inspected once.
"""

import heapq
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from torchcpc.contracts import Skipped
from torchcpc.data.files.found import FileKind, Found, FoundFile, skip, top_folder

# Number of files of other suffixes whose first bytes are read, to find files with a wrong suffix.
_MOST_SNIFFED = 1000
# Kinds of other files that are named one by one.
_NAMED = 5
_NO_TEXT = "its name is not UTF-8, so no table could name it; rename it"


def walk(root: Path, kind: FileKind, used: frozenset[str] = frozenset()) -> Found:
    """Find the files of one kind below a folder.

    The order does not depend on the file system. Names that begin with a dot are ignored. Links to folders are followed
    last, and no folder is read twice. The time therefore grows with the number of names and links, not with the number of
    paths through links. Files of other kinds are counted in a note.

    Args:
        root: The folder.
        kind: Kind of the files.
        used: Names of files that are read as something else, in `root` and the folders directly below it.
    """
    found = _Walk(root, kind, used, frozenset(kind.suffixes), str(root))
    found.run()
    files = sorted(found.files, key=lambda file: file.key.split("/"))
    return Found(files, sorted(found.skipped, key=lambda s: s.path), found.notes())


@dataclass(slots=True)
class _Walk:
    """State of a walk.

    Attributes:
        root: The folder.
        kind: Kind of the files.
        used: Names of files that are read as something else.
        suffixes: Suffixes of `kind`.
        shown: `root` as text.
        files: Files found so far.
        skipped: Files and folders that are skipped.
        others: Number of files of other kinds by suffix.
        sniffed: Files whose first bytes were read.
        seen: Real path of a folder -> the path under which it is read.
        links: Links to folders that are still to be followed.
    """

    root: Path
    kind: FileKind
    used: frozenset[str]
    suffixes: frozenset[str]
    shown: str
    files: list[FoundFile] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    sniffed: int = 0
    seen: dict[str, str] = field(default_factory=dict)
    links: list[tuple[str, str, str]] = field(default_factory=list)

    def run(self) -> None:
        top = os.fspath(self.root)
        if not _is_text(top):
            self.skipped.append(skip(top, _NO_TEXT))
            return
        real = os.path.realpath(top)
        self.seen[real] = top
        waiting = [(top, "", real)]
        while waiting:
            for folder in self._read(*waiting.pop()):
                waiting.append(folder)
            while not waiting and self.links:
                waiting += self._followed(*heapq.heappop(self.links))

    def _read(self, folder: str, above: str, real: str) -> Iterator[tuple[str, str, str]]:
        """List one folder, and yield the folders in it. `above` begins the keys of its files."""
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if not _is_text(entry.name):
                        self.skipped.append(skip(entry.path, _NO_TEXT))
                    elif not _is_folder(entry):
                        self._file(entry, above, real.rstrip(os.sep))
                    elif entry.is_symlink():
                        heapq.heappush(self.links, (f"{above}{entry.name}/", entry.path, real))
                    else:
                        yield from self._once(entry.path, f"{above}{entry.name}/", f"{real.rstrip(os.sep)}{os.sep}{entry.name}")
        except OSError as error:
            self.skipped.append(skip(folder, f"the folder cannot be read: {error.strerror}"))

    def _followed(self, key: str, path: str, parent: str) -> Iterator[tuple[str, str, str]]:
        target = os.path.realpath(path)
        if any(_holds(target, inner) for inner in (parent, os.path.realpath(self.root))):
            self.skipped.append(skip(path, "a link to a folder that contains it"))
        else:
            yield from self._once(path, key, target)

    def _once(self, path: str, key: str, real: str) -> Iterator[tuple[str, str, str]]:
        if (known := self.seen.setdefault(real, path)) is path:
            yield path, key, real
        else:
            self.skipped.append(skip(path, f"the same folder as {known}, which is read already"))

    def _file(self, entry: os.DirEntry[str], above: str, folder: str) -> None:
        name = entry.name
        suffix = os.path.splitext(name)[1].lower()
        if suffix in self.suffixes:
            try:
                status = entry.stat() if entry.is_file() else None
                real = os.path.realpath(entry.path) if entry.is_symlink() else f"{folder}{os.sep}{name}"
            except OSError:
                status, real = None, ""
            if status is None:
                # Opening a pipe would block for ever, and a link may lead nowhere.
                self.skipped.append(skip(entry.path, "not a file (a link to nothing, a pipe or a device)"))
                return
            key, stamp = above + name, (status.st_size, status.st_mtime_ns)
            self.files.append(FoundFile(Path(entry.path), key, top_folder(key), root=self.shown, real=real, stamp=stamp))
        elif suffix in self.kind.unsupported:
            fault = f"{suffix} files cannot be decoded; convert them, for instance to {self.kind.suffixes[0]}"
            self.skipped.append(skip(entry.path, fault))
        elif name in self.used and above.count("/") <= 1:
            return
        elif self._has_header(entry):
            fault = f"its content is a {self.kind.noun}, but its suffix is another; rename it"
            self.skipped.append(skip(entry.path, fault))
        else:
            self.others[suffix] += 1

    def _has_header(self, entry: os.DirEntry[str]) -> bool:
        """Return whether a file of another suffix begins like files of this kind."""
        if self.kind.header is None or self.sniffed >= _MOST_SNIFFED:
            return False
        self.sniffed += 1
        try:
            if not entry.is_file():
                return False
            with open(entry.path, "rb", buffering=0) as file:
                return self.kind.header.match(file.read(32)) is not None
        except OSError:
            return False

    def notes(self) -> list[Skipped]:
        return [skip(self.root, other_kinds(self.others))] if self.others else []


def other_kinds(others: Counter[str]) -> str:
    """Return how many files of other kinds there are, with the most frequent suffixes.

    Args:
        others: Number of files by suffix.
    """
    total = sum(others.values())
    named = sorted(others.items(), key=lambda kind: (-kind[1], kind[0]))
    kinds = [f"{count} {suffix or 'without a suffix'}" for suffix, count in named[:_NAMED]]
    rest = sum(count for _, count in named[_NAMED:])
    kinds += [f"{rest} more"] if rest else []
    return f"{total} other {'file is' if total == 1 else 'files are'} not read: {', '.join(kinds)}"


def _is_text(name: str) -> bool:
    try:
        return name.isascii() or bool(name.encode("utf8"))
    except UnicodeEncodeError:
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # Access may be denied; then it counts as no folder.
    try:
        return entry.is_dir()
    except OSError:
        return False


def _holds(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
