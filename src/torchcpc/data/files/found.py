"""A file as named, before anything is known of what is in it; one that was left out; and the kinds of file that are looked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torchcpc.contracts import CPCError


@dataclass(frozen=True, slots=True)
class Kind:
    """What a folder is searched for: the word for one, the suffixes of its files, and those that are told but not read."""

    noun: str
    suffixes: tuple[str, ...]
    unsupported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A file to decode: where it is, the unique name it goes by, its group (speaker) and its labels by column."""

    path: Path
    key: str
    group: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file (or a row that names one) that was left out, and why. Both fields can be printed and written as UTF-8."""

    path: str
    reason: str


def left_out(path: Path | str, reason: str) -> Skipped:
    """A skip whose path can be written down, even where the file system's bytes are no text."""
    return Skipped(str(path).encode("utf8", "backslashreplace").decode("utf8"), reason)


def group_of(entry: Listed, column: str) -> str:
    """What the label `column` says of the file, or its own group where no column is named. Raises CPCError if it has no such label."""
    if column and not entry.labels.get(column):
        known = ", ".join(entry.labels) or "none"
        raise CPCError(
            f"data.group = {column!r}: {entry.key} has no such label (labels: {known}). Correct or fill in the column, or leave "
            "data.group empty."
        )
    return entry.labels[column] if column else entry.group


def top_folder(key: str) -> str:
    """The group of a file that no column names: the first folder of its relative path, "." where it has none."""
    return key.split("/")[0] if "/" in key else "."
