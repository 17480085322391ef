"""A file that was found, with its name, group and labels, and the report of a skipped file."""

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
    """A kind of file to search for.

    Attributes:
        noun: Word for one such file.
        suffixes: Suffixes of the files that are read.
        unsupported: Suffixes of files that are skipped with a reason. Other files are only counted.
        group_columns: Columns of labels that name the group.
        in_parts: Whether a part of a file can be a source.
        header: Pattern of the first bytes of such files, whatever their suffix.
    """

    noun: str
    suffixes: tuple[str, ...]
    unsupported: tuple[str, ...] = ()
    group_columns: tuple[str, ...] = ("speaker",)
    in_parts: bool = False
    header: re.Pattern[bytes] | None = None


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to decode.

    Args:
        path: Path of the file.
        key: Its unique name.
        group: The name of its group, such as a speaker.
        labels: Its label by column.
        part: Start and end in seconds, None for the whole file.
        part_of: The key of the whole file if this is a part, otherwise "".
        root: The folder or manifest through which it was found, as the user named it.
        real: Its path without links, "" if the file was not inspected.
        stamp: Its size in bytes and the time of its last change in ns. None if the file was not inspected.
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
        """Return the first position of the part and its end.

        The two are equal if the part lies outside the file.

        Args:
            rate: Positions per second.
            length: Positions of the whole file.
        """
        if self.part is None:
            return 0, length
        begin, end = (round(min(seconds * rate, length)) for seconds in self.part)
        return begin, end

    def outside(self, seconds: float) -> str:
        """Return why a file of this duration holds nothing of the part, or "".

        Args:
            seconds: Duration of the file.
        """
        return (
            f"it begins at {self.part[0]:g} s, and the file ends at {seconds:g} s"
            if self.part and self.part[0] >= seconds
            else ""
        )

    def beyond(self, seconds: float) -> str:
        """Return a remark if the part ends after the file, otherwise "".

        Args:
            seconds: Duration of the file.
        """
        late = self.part is not None and seconds + _ROUNDING_S < self.part[1] < float("inf")
        return (
            f"it ends at {self.part[1]:g} s, and the file at {seconds:g} s; it is read to there" if self.part and late else ""
        )


class Found(NamedTuple):
    """Result of a search for files.

    Attributes:
        files: Files to decode.
        skipped: Files that are skipped, each with its reason.
        notes: Remarks about the files that are used.
    """

    files: list[FoundFile]
    skipped: list[Skipped]
    notes: list[Skipped]


@contextmanager
def without_collecting() -> Iterator[None]:
    """Switch off the search for reference cycles within a block.

    A scan makes a hundred thousand objects, and none is part of a cycle. The search would take a third of the time of a
    scan that decodes nothing.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def skip(path: Path | str, reason: str) -> Skipped:
    """Return the record of a skipped file.

    Args:
        path: Path, which may hold bytes that are no text; they are escaped.
        reason: Why the file is skipped.
    """
    return Skipped(str(path).encode("utf8", "backslashreplace").decode("utf8"), reason)


def at_line(table: Path, line: int, reason: str) -> Skipped:
    """Return the record of a skipped row of a table.

    Args:
        table: File of the table.
        line: Line of the row.
        reason: Why the row is skipped.
    """
    return skip(f"{table}, line {line}", reason)


def no_longer_readable(path: object, cause: object) -> CPCError:
    """Return the error for a file that was readable when it was scanned.

    Args:
        path: Path of the file.
        cause: Why it cannot be read now.
    """
    return CPCError(f"{path} could be read when it was scanned, but not now: {cause}. Restore it, or scan again.")


def group_of(file: FoundFile, column: str) -> str:
    """Return the label of a file in a column, or its own group if no column is named.

    Args:
        file: File whose group is wanted.
        column: Name of the column, or "".

    Raises:
        CPCError: If the file has no such label.
    """
    if not column:
        return file.group
    if not (label := first_label(file.labels, same_names(column, file.labels))):
        raise CPCError(
            f"data.group = {column!r}: {file.key} has no such label (labels: {', '.join(file.labels) or 'none'}). Correct or fill in the "
            "column, or leave data.group empty."
        )
    return label


def top_folder(key: str) -> str:
    """Return the group of a file without a group column: the first folder of its relative path.

    Args:
        key: Relative path.

    Returns:
        The folder, "." for a path without folders.
    """
    return key.split("/")[0] if "/" in key else "."
