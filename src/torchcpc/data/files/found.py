"""A file that was found: where it is, its name, its group and its labels; and how a file that was skipped is reported."""

import gc
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from torchcpc.contracts import CPCError, Skipped
from torchcpc.data.names import first_label, same_names

# Ends that were rounded to a tenth of a second are not reported.
_ROUNDING_S = 0.1


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a folder is searched for. noun: the word for one such file; suffixes: of the files that are read; unsupported: of files that
    are skipped with a reason instead of counted; group_columns: labels that name the group; in_parts: whether a part of a file can be
    read as a source of its own; header: what files of this kind begin with, whatever their suffix."""

    noun: str
    suffixes: tuple[str, ...]
    unsupported: tuple[str, ...] = ()
    group_columns: tuple[str, ...] = ("speaker",)
    in_parts: bool = False
    header: re.Pattern[bytes] | None = None


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to decode: where it is, its unique name, its group (speaker) and its labels by column.

    Args:
        part: Start and end in seconds, None for the whole file.
        part_of: The key of the whole file, where this is a part of one.
        root: The folder or manifest that it was found through, as it was named.
        real: Its path without links, empty where the file was not looked at.
        stamp: Its bytes and the time of its last change in ns, None where the file was not looked at.
    """

    path: Path
    key: str
    group: str
    labels: Mapping[str, str] = field(default_factory=dict)
    part: tuple[float, float] | None = None
    part_of: str = ""
    root: str = ""
    real: str = ""
    stamp: tuple[int, int] | None = None

    def span(self, rate: float, length: int) -> tuple[int, int]:
        """The positions of a file of `length` positions, `rate` a second, where the part begins and ends, which is one place
        outside the file."""
        if self.part is None:
            return 0, length
        begin, end = (round(min(seconds * rate, length)) for seconds in self.part)
        return begin, end

    def outside(self, seconds: float) -> str:
        """Why nothing of the part is in a file that lasts so long, or nothing."""
        return (
            f"it begins at {self.part[0]:g} s, and the file ends at {seconds:g} s"
            if self.part and self.part[0] >= seconds
            else ""
        )

    def beyond(self, seconds: float) -> str:
        """That the part ends after a file that lasts so long, or nothing."""
        late = self.part is not None and seconds + _ROUNDING_S < self.part[1] < float("inf")
        return (
            f"it ends at {self.part[1]:g} s, and the file at {seconds:g} s; it is read to there" if self.part and late else ""
        )


class Found(NamedTuple):
    """Files to decode, what was skipped, and what is doubtful about the files that are used."""

    files: list[FoundFile]
    skipped: list[Skipped]
    notes: list[Skipped]


@contextmanager
def without_collecting() -> Iterator[None]:
    """Within, nothing is looked through for cycles: of a hundred thousand new objects none is in one, and looking takes a third of the
    time of a scan that decodes nothing."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def skip(path: Path | str, reason: str) -> Skipped:
    """A skip whose path can be written down, even where the file system's bytes are no text."""
    return Skipped(str(path).encode("utf8", "backslashreplace").decode("utf8"), reason)


def at_line(table: Path, line: int, reason: str) -> Skipped:
    """The skip of a row of a table."""
    return skip(f"{table}, line {line}", reason)


def no_longer_readable(path: object, cause: object) -> CPCError:
    """The error of a file that was usable when it was scanned."""
    return CPCError(f"{path} could be read when it was scanned, but not now: {cause}. Restore it, or scan again.")


def group_of(file: FoundFile, column: str) -> str:
    """The label of the file in `column`, or its own group where no column is named. Raises CPCError if it has no such label."""
    if not column:
        return file.group
    if not (label := first_label(file.labels, same_names(column, file.labels))):
        raise CPCError(
            f"data.group = {column!r}: {file.key} has no such label (labels: {', '.join(file.labels) or 'none'}). Correct or fill in the "
            "column, or leave data.group empty."
        )
    return label


def top_folder(key: str) -> str:
    """The group of a file that no column names: the first folder of its relative path, "." where it has none."""
    return key.split("/")[0] if "/" in key else "."
