"""A file that was found: where it is, its name, its group and its labels; and how a file that was skipped is reported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from torchcpc.contracts import CPCError, Skipped
from torchcpc.data.names import first_label, same_names


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a folder is searched for. noun: the word for one such file; suffixes: of the files that are read; unsupported: of files that
    are skipped with a reason instead of ignored."""

    noun: str
    suffixes: tuple[str, ...]
    unsupported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to decode: where it is, its unique name, its group (speaker) and its labels by column."""

    path: Path
    key: str
    group: str
    labels: Mapping[str, str] = field(default_factory=dict)


class Found(NamedTuple):
    """Files to decode, what was skipped, and what is doubtful about the files that are used."""

    files: list[FoundFile]
    skipped: list[Skipped]
    notes: list[Skipped]


def skip(path: Path | str, reason: str) -> Skipped:
    """A skip whose path can be written down, even where the file system's bytes are no text."""
    return Skipped(str(path).encode("utf8", "backslashreplace").decode("utf8"), reason)


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
