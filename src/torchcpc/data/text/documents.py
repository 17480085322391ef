"""The sentences of one document: of a file, read by seeking, or as they stand in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np

from torchcpc.contracts import CPCError


class Sentences(Protocol):
    """What a document is made of."""

    def __len__(self) -> int: ...

    def take(self, start: int, stop: int) -> list[str]:
        """Sentences start .. stop, each on one line, blanks folded."""
        ...


@dataclass(frozen=True, slots=True)
class InFile:
    """starts: [n + 1] byte offsets of the sentences, the last one the size that the file had."""

    path: Path
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, start: int, stop: int) -> list[str]:
        """Raises CPCError if the file has gone or changed since it was scanned."""
        if (start := min(start, len(self))) >= (stop := min(stop, len(self))):
            return []
        places = self.starts[start : stop + 1].tolist()
        try:
            with self.path.open("rb") as file:
                same = file.seek(0, 2) == self.starts[-1]
                file.seek(places[0])
                content = file.read(places[-1] - places[0])
            found = [content[a - places[0] : b - places[0]].decode("utf8") for a, b in pairwise(places)]
        except (OSError, UnicodeDecodeError) as error:
            raise CPCError(
                f"{self.path} could be read when it was scanned, but not now: {error}. Restore it, or scan again."
            ) from None
        if not same:
            raise CPCError(f"{self.path} has changed since it was scanned: another size. Scan again.")
        return [folded(text) for text in found]


@dataclass(frozen=True, slots=True)
class InTable:
    """Sentences held in memory."""

    texts: Sequence[str]

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, start: int, stop: int) -> list[str]:
        return [folded(text) for text in self.texts[start:stop]]


def folded(text: str) -> str:
    """The text on one line: every run of blanks one blank, a byte-order mark left out."""
    return " ".join(text.lstrip("\ufeff").split())
