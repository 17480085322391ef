"""The sentences of one document: a list in memory, or sentences of a file that stay on disk.

The sentences of a file are located once, in bounded memory. Their positions are stored, and the sentences are read on
demand.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

import numpy as np

from torchcpc.atomic import replacing
from torchcpc.contracts import CPCError, Item, check_choice
from torchcpc.data.files.found import no_longer_readable
from torchcpc.data.files.inspection import Facts, stamp_of
from torchcpc.data.files.npy import load_npy
from torchcpc.data.text.sentences import SPLITTINGS

# Bytes split at a time: some thousand sentences.
_BLOCK = 1 << 20
# A longer line is cut at a blank, or else between characters. No text needs longer lines, and a file without line ends must
# not fill the memory.
_LONGEST_LINE = 1 << 24
# Version of the rules that split files. Positions that other rules found are not reused.
RULES = 3


@dataclass(frozen=True, slots=True)
class FileSentences:
    """Sentences of a file, each on one line with its blanks folded, read by seeking.

    Attributes:
        path: The file.
        starts: First byte of each of n sentences, then the size of the file: [n + 1].
    """

    path: Path
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, stretch: slice, /) -> list[str]:
        """Return a stretch of sentences.

        Raises:
            CPCError: If the file is gone or has changed since the scan.
        """
        start, stop, _ = stretch.indices(len(self))
        if start >= stop:
            return []
        offsets = self.starts[start : stop + 1].tolist()
        try:
            with self.path.open("rb") as file:
                same = file.seek(0, 2) == self.starts[-1]
                file.seek(offsets[0])
                # The stored positions may be damaged and must not ask for more than the file holds.
                content = file.read(offsets[-1] - offsets[0]) if same else b""
            texts = [content[a - offsets[0] : b - offsets[0]].decode("utf8") for a, b in pairwise(offsets)]
        except (OSError, UnicodeDecodeError) as error:
            raise no_longer_readable(self.path, error) from None
        if not same:
            raise CPCError(f"{self.path} has changed since it was scanned: another size. Scan again.")
        return [folded(text) for text in texts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Item):
    """One text.

    Attributes:
        sentences: Its sentences, each on one line.
    """

    sentences: list[str] | FileSentences


def folded(text: str) -> str:
    """Return a text on one line.

    Every run of blanks becomes one blank, and a byte-order mark is dropped.

    Args:
        text: Any text.
    """
    return " ".join(text.lstrip("\ufeff").split())


class SentenceIndex:
    """Positions of the sentences of files.

    Args:
        folder: Folder that stores the positions. None keeps them in memory only.
        splitting: How a text becomes sentences, one of `sentences.SPLITTINGS`.
        language: Code of the language.
    """

    def __init__(self, folder: Path | None, splitting: str, language: str) -> None:
        check_choice("data.splitting", splitting, SPLITTINGS)
        self.folder, self.splitting, self.language = folder, splitting, language
        self._in_memory: dict[Path, np.ndarray] = {}

    def inspect(self, path: Path) -> Facts:
        """Split a file into sentences, and store their positions.

        Faults are returned, not raised.

        Args:
            path: The file.

        Returns:
            The number of sentences, the bytes, and the words of the longest sentence.
        """
        # A file of a gigabyte has millions of sentences. Eight bytes are kept for each, and nothing else.
        starts, longest = array("q"), 0
        try:
            for start, words in self._sentences(path):
                starts.append(start)
                longest = max(longest, words)
            size = path.stat().st_size
        except UnicodeDecodeError as error:
            return Facts(fault=f"not UTF-8 text (byte 0x{error.object[error.start]:02x}): save it as UTF-8")
        except OSError as error:
            return Facts(fault=f"unreadable: {error.strerror or error}", lasting=False)
        if not starts:
            return Facts(fault="it holds no text" if size else "the file is empty")
        starts.append(size)
        self._remember(path, np.array(starts, dtype=np.int64))
        return Facts((len(starts) - 1, size, longest))

    def starts(self, path: Path) -> np.ndarray:
        """Return the positions of the sentences of a file, splitting it again if they are not stored.

        Args:
            path: The file.

        Returns:
            First byte of each sentence, then the size of the file, int64 [sentences + 1].
        """
        if path not in self._in_memory and not self._remembered(path) and (fault := self.inspect(path).fault):
            raise no_longer_readable(path, fault)
        return self._in_memory[path]

    def _sentences(self, path: Path) -> Iterator[tuple[int, int]]:
        """Yield the first byte and the number of words of each sentence."""
        at = 0
        for text in blocks(path):
            for piece in SPLITTINGS[self.splitting](text, self.language):
                if words := piece.strip("\ufeff").split():
                    yield at, len(words)
                at += len(piece.encode("utf8"))

    def _remember(self, path: Path, starts_n: np.ndarray) -> None:
        self._in_memory[path] = starts_n
        if file := self._file(path):
            try:
                with replacing(file) as partial, partial.open("wb") as opened:
                    np.save(opened, starts_n)
            except CPCError:
                pass  # storing only saves time

    def _remembered(self, path: Path) -> bool:
        """Load the stored positions of a file into memory; return whether there were any."""
        file = self._file(path)
        try:
            starts_n = load_npy(file) if file else np.zeros(0)
        except CPCError:
            return False
        whole = (
            starts_n.dtype == np.int64
            and starts_n.ndim == 1
            and len(starts_n) > 1
            and bool((np.diff(starts_n, prepend=-1) > 0).all())
        )
        if whole:
            self._in_memory[path] = starts_n
        return whole

    def _file(self, path: Path) -> Path | None:
        if self.folder is None:
            return None
        stamp = f"{stamp_of(path)}|{self.splitting}|{self.language}|{RULES}"
        return self.folder / f"{blake2b(stamp.encode('utf8', 'surrogatepass'), digest_size=16).hexdigest()}.npy"


def blocks(path: Path) -> Iterator[str]:
    """Yield the text of a file in blocks of about a megabyte.

    A block ends at the end of a paragraph, or else of a line, a word or a character.

    Args:
        path: The file.

    Raises:
        UnicodeDecodeError: If the file is not UTF-8, or holds the character NUL.
        OSError: If it cannot be read.
    """
    rest = b""
    with path.open("rb") as file:
        while read := file.read(_BLOCK):
            rest += read
            if (nul := rest.find(b"\0")) >= 0:
                raise UnicodeDecodeError("utf-8", rest, nul, nul + 1, "NUL")
            end = rest.rfind(b"\n\n") + 2
            if end < 2:
                end = rest.rfind(b"\n") + 1
            if not end and len(rest) > _LONGEST_LINE:
                end = rest.rfind(b" ") + 1 or _last_character(rest)
            if end:
                yield rest[:end].decode("utf8")
                rest = rest[end:]
    if rest:
        yield rest.decode("utf8")


def _last_character(content: bytes) -> int:
    """Return where the last, perhaps incomplete, UTF-8 character begins.

    If none begins in the last four bytes, return the end.
    """
    return next((at for at in range(len(content) - 1, len(content) - 5, -1) if content[at] & 0xC0 != 0x80), len(content))
