"""Read published word vectors as a stream, in the text formats of word2vec and GloVe.

A line holds a word and its numbers. A file of word2vec begins with a line "words dimensions", a file of GloVe does not.
Files may be larger than memory, so only the requested words are parsed, and nothing is kept. A malformed line is counted. A
vector of another dimension is an error, because it puts all later lines in doubt.
"""

import gzip
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from torchcpc.contracts import CPCError


@dataclass(slots=True)
class WordVectors:
    """A file of word vectors.

    Attributes:
        path: The file.
        dim: Numbers per word.
        announced: Words that its first line announces, None if it announces nothing.
        read: Words that the latest pass has read.
        malformed: Malformed lines in the latest pass.
        repeated: Words that occurred before, in the latest pass.
    """

    path: Path
    dim: int
    announced: int | None
    read: int = 0
    malformed: int = 0
    repeated: int = 0

    def words(self, wanted: Callable[[str], bool] = lambda word: True) -> Iterator[tuple[str, np.ndarray]]:
        """Yield each wanted word with its vector, in the order of the file.

        A repeated word counts only once.

        Args:
            wanted: Returns whether a word is wanted. All by default.

        Yields:
            The word and its vector, float32 [dim].

        Raises:
            CPCError: If a vector has another dimension, or the file is damaged or incomplete.
        """
        self.read = self.malformed = self.repeated = 0
        seen: set[str] = set()
        for number, line in _lines(self.path):
            if number == 1 and self.announced is not None:
                continue
            word, rest = _word(line)
            asked = bool(word) and word not in seen and wanted(word)
            vector_D = _numbers(rest) if asked else None
            if not word or (asked and vector_D is None):
                self.malformed += 1
                continue
            self.read, self.repeated = self.read + 1, self.repeated + (word in seen)
            if vector_D is not None:
                _check_dim(self.path, number, word, vector_D, self.dim)
                seen.add(word)
                yield word, vector_D


def open_vectors(path: Path) -> WordVectors:
    """Open a text file of word vectors.

    Args:
        path: The file, perhaps compressed (.gz).

    Raises:
        CPCError: If the file cannot be read or does not begin with vectors.
    """
    announced = dim = None
    for number, line in _lines(path):
        word, rest = _word(line)
        if number == 1 and word.isdigit() and len(rest) == 1 and rest[0].isdigit():
            announced, dim = int(word), int(rest[0])
            if dim < 1:
                raise CPCError(f"{path}: its first line says {dim} numbers per word. Download the file again.")
        # Binary files begin with such a line, too. Only a vector shows that the file is text.
        elif word and (vector_D := _numbers(rest)) is not None:
            _check_dim(path, number, word, vector_D, dim or len(vector_D))
            return WordVectors(path, len(vector_D), announced)
        if number == 100:
            break
    raise CPCError(
        f"{path} does not hold word vectors as text: a line is a word and its numbers, separated by blanks. Save binary vectors as text."
    )


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines with their numbers.

    Any pass may raise CPCError, since damage in a .gz file shows only late.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            yield from enumerate(file, start=1)
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CPCError(f"{path} cannot be read: {reason}. Name a whole file of word vectors, or download it again.") from None


def _check_dim(path: Path, number: int, word: str, vector_D: np.ndarray, dim: int) -> None:
    if len(vector_D) != dim:
        raise CPCError(
            f"{path}, line {number}: {word!r} has {len(vector_D)} numbers, the file has {dim} per word. "
            "Remove that line, or download the file again."
        )


def _word(line: bytes) -> tuple[str, list[bytes]]:
    """Return the word of a line and the fields after it; an empty word if the line has none."""
    word, *fields = line.split() or [b""]
    try:
        return (word.decode("utf8"), fields) if fields else ("", [])
    except UnicodeDecodeError:
        return "", []


def _numbers(fields: list[bytes]) -> np.ndarray | None:
    try:
        values = [float(field) for field in fields]
    except ValueError:
        return None
    return np.array(values, np.float32) if all(map(math.isfinite, values)) else None
