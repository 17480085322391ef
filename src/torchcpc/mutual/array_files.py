"""A file of samples as one array of numbers: a row a sample, from .npy and from tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.data.files.npy import load_npy, load_npz

if TYPE_CHECKING:
    from torchcpc.data.tables.table import Table

SUFFIXES = (".npy", ".npz", ".csv", ".tsv", ".parquet")
# Names of columns that count or time the rows. A column called x may well be samples.
_COUNTED = ("time", "timestamp", "datetime", "date", "step", "row", "sample", "id", "no", "nr", "n")


class ArrayFile(NamedTuple):
    """values: [rows, ...] numbers; notes: what was guessed about the file, and which columns are not read, in words."""

    values: np.ndarray
    notes: Sequence[str]


def read_array(path: Path) -> ArrayFile:
    """The numbers of a file of at least one row, without running what it may hold. Columns of a table that number or date its rows are no
    samples and are not read. Raises CPCError for any other file, and for a column of words."""
    if path.suffix.lower() not in SUFFIXES:
        raise CPCError(f"{path}: an array is read from {', '.join(SUFFIXES)}. Save it as one of these.")
    try:
        array, notes = _ARRAYS[path.suffix.lower()](path) if path.suffix.lower() in _ARRAYS else _of_table(path)
    except CPCError as error:
        why = str(error).removeprefix(f"{path} is ").removeprefix(f"{path}: ").rstrip(".")
        raise CPCError(f"{path} cannot be read as an array ({why}). Save it again, numbers only.") from None
    if array.ndim < 1 or not len(array) or not np.issubdtype(array.dtype, np.number):
        raise CPCError(f"{path} holds {array.dtype} of shape {array.shape}: expected numbers [pairs, ...].")
    return ArrayFile(array, notes)


def _of_npz(path: Path) -> np.ndarray:
    found = load_npz(path)
    if len(found.arrays) != 1:
        held = ", ".join([*found.arrays, *(f"{name}: {why}" for name, why in found.refused.items())]) or "nothing"
        raise CPCError(f"it holds {held}, and not one array; save the one that is meant as .npy")
    return next(iter(found.arrays.values()))


_ARRAYS: dict[str, Callable[[Path], tuple[np.ndarray, Sequence[str]]]]
_ARRAYS = {".npy": lambda path: (load_npy(path), ()), ".npz": lambda path: (_of_npz(path), ())}


def _of_table(path: Path) -> tuple[np.ndarray, Sequence[str]]:
    from torchcpc.data.tables.read import read_table

    table = read_table(path)
    table.require_regular()
    dates = [name for name in table.columns if _are_dates(table, name)]
    columns = {name: table.numbers(name, remedy="; leave that column out") for name in table.columns if name not in dates}
    counts = [
        name for name, own in columns.items() if len(columns) > 1 and _count_rows(name, own, first=name == table.columns[0])
    ]
    samples = [own for name, own in columns.items() if name not in counts]
    said = (
        f"the column {name!r} {what} the rows and is not read"
        for names, what in ((dates, "dates"), (counts, "counts"))
        for name in names
    )
    if not samples:
        raise CPCError(f"no column of samples (columns: {', '.join(table.columns) or 'none'})")
    return np.stack(samples, axis=1), (*table.notes, *said, *table.number_notes(name for name in columns if name not in counts))


def _are_dates(table: Table, name: str) -> bool:
    try:
        return table.moments(name) is not None
    except CPCError:
        return False


def _count_rows(name: str, own: np.ndarray, *, first: bool) -> bool:
    """Whether a column that comes first, or is called like a count or a time, rises in equal steps: no draw of anything does."""
    steps = np.diff(own)
    even = len(steps) > 1 and steps[0] > 0 and bool((np.abs(steps - steps[0]) <= 1e-6 * steps[0]).all())
    return even and ((first and steps[0] == 1) or name.lower() in _COUNTED)
