"""The sentences of one document: a list, or those of a file, which are read when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.data.files.found import no_longer_readable


class Sentences(Protocol):
    """What a document is made of: sentences, each on one line, blanks folded."""

    def __len__(self) -> int: ...
    def __getitem__(self, stretch: slice, /) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class FileSentences:
    """Sentences of a file, read by seeking.

    starts: [n + 1] byte offsets of the sentences, the last one the size that the file had.
    """

    path: Path
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, stretch: slice, /) -> list[str]:
        """Raises CPCError if the file has gone or changed since it was scanned."""
        start, stop, _ = stretch.indices(len(self))
        if start >= stop:
            return []
        offsets = self.starts[start : stop + 1].tolist()
        try:
            with self.path.open("rb") as file:
                same = file.seek(0, 2) == self.starts[-1]
                file.seek(offsets[0])
                content = file.read(offsets[-1] - offsets[0])
            texts = [content[a - offsets[0] : b - offsets[0]].decode("utf8") for a, b in pairwise(offsets)]
        except (OSError, UnicodeDecodeError) as error:
            raise no_longer_readable(self.path, error) from None
        if not same:
            raise CPCError(f"{self.path} has changed since it was scanned: another size. Scan again.")
        return [folded(text) for text in texts]


def folded(text: str) -> str:
    """The text on one line: every run of blanks one blank, a byte-order mark left out."""
    return " ".join(text.lstrip("\ufeff").split())
