"""Read a file of samples as one array of numbers, one row per sample. Files are .npy, .npz or tables."""

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
# Names of columns that count or time the rows. A column called x may hold samples, so it is not listed.
_COUNTED = ("time", "timestamp", "datetime", "date", "step", "row", "sample", "id", "no", "nr", "n")


class ArrayFile(NamedTuple):
    """The numbers of a file.

    Attributes:
        values: The samples, [rows, ...].
        notes: What was guessed about the file, and which columns are not read.
    """

    values: np.ndarray
    notes: Sequence[str]


def read_array(path: Path) -> ArrayFile:
    """Read the numbers of a file.

    Columns of a table that count or date its rows are no samples and are left out. Pickles are refused, so no code in
    the file runs.

    Args:
        path: A .npy, .npz, .csv, .tsv or .parquet file.

    Returns:
        The numbers, at least one row, and notes.

    Raises:
        CPCError: If the file is another one, cannot be read, or has a column of words.
    """
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
    """Return the only array of an .npz file."""
    found = load_npz(path)
    if len(found.arrays) != 1:
        held = ", ".join([*found.arrays, *(f"{name}: {why}" for name, why in found.refused.items())]) or "nothing"
        raise CPCError(f"it holds {held}, and not one array; save the one that is meant as .npy")
    return next(iter(found.arrays.values()))


_ARRAYS: dict[str, Callable[[Path], tuple[np.ndarray, Sequence[str]]]]
_ARRAYS = {".npy": lambda path: (load_npy(path), ()), ".npz": lambda path: (_of_npz(path), ())}


def _of_table(path: Path) -> tuple[np.ndarray, Sequence[str]]:
    """Return the sample columns of a table, and notes on the other columns."""
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
    """Return whether a column holds dates."""
    try:
        return table.moments(name) is not None
    except CPCError:
        return False


def _count_rows(name: str, own: np.ndarray, *, first: bool) -> bool:
    """Return whether a column counts the rows.

    It rises in equal steps, and it comes first or has the name of a count or a time. No random sample rises in equal
    steps.
    """
    steps = np.diff(own)
    even = len(steps) > 1 and steps[0] > 0 and bool((np.abs(steps - steps[0]) <= 1e-6 * steps[0]).all())
    return even and ((first and steps[0] == 1) or name.lower() in _COUNTED)
