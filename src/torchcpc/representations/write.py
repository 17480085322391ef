"""Writing of rows to a file, piece by piece.

Parquet and csv need little memory, npz holds all rows. In a csv, each number of a vector has its own column.
"""

import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from torchcpc.atomic import check_suffix, replacing
from torchcpc.contracts import CPCError

if TYPE_CHECKING:
    import pyarrow as pa

Rows: TypeAlias = "Mapping[str, list[str] | np.ndarray]"
"""Some rows of a table: the numbers, texts or vectors [rows, D] of each column."""


def write_rows(path: Path, pieces: Iterable[Rows], *, nothing: str) -> int:
    """Write all rows to a .csv, .parquet or .npz file.

    Args:
        path: The file. Its suffix decides the format.
        pieces: The rows, piece by piece.
        nothing: The message of the error if there is no row.

    Returns:
        The number of rows.

    Raises:
        CPCError: If the suffix is unknown, if there is no row, or if the file cannot be written.
    """
    check_suffix(path, WRITERS)
    with replacing(path) as partial:
        count = WRITERS[path.suffix.lower()](partial, (piece for piece in pieces if len(piece["step"])))
        if not count:
            raise CPCError(nothing)
    return count


def _parquet(path: Path, pieces: Iterable[Rows]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def column(values: np.ndarray | list[str]) -> "pa.Array":
        if np.ndim(values) == 1:
            return _column(values)
        return pa.FixedSizeListArray.from_arrays(pa.array(np.ravel(values), pa.float32()), np.shape(values)[1])

    writer, count = None, 0
    with ExitStack() as opened:
        for rows in pieces:
            table = pa.table({name: column(values) for name, values in rows.items()})
            writer = writer or opened.enter_context(pq.ParquetWriter(path, table.schema))
            writer.write_table(table)
            count += len(table)
    return count


def _csv(path: Path, pieces: Iterable[Rows]) -> int:
    import pyarrow as pa
    import pyarrow.csv

    writer, count = None, 0
    with ExitStack() as opened:
        for rows in pieces:
            columns: dict[str, pa.Array] = {}
            for name, values in rows.items():
                if np.ndim(values) == 1:
                    columns[name] = _column(values)
                else:
                    columns |= {f"{name}_{place}": pa.array(value) for place, value in enumerate(np.transpose(values))}
            table = pa.table(columns)
            writer = writer or opened.enter_context(pyarrow.csv.CSVWriter(path, table.schema))
            writer.write_table(table)
            count += len(table)
    return count


def _npz(path: Path, pieces: Iterable[Rows]) -> int:
    if not (held := list(pieces)):
        return 0
    # numpy.savez takes names as keywords, and a label may have the name of one of its own parameters.
    with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
        for name in held[0]:
            values = np.concatenate([np.asarray(rows[name]) for rows in held])
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, values, allow_pickle=False)
    return sum(len(rows["step"]) for rows in held)


def _column(values: np.ndarray | list[str]) -> "pa.Array":
    """Return a column for pyarrow. Invalid characters of file names are written as escapes."""
    import pyarrow as pa

    try:
        return pa.array(values)
    except UnicodeEncodeError:
        return pa.array([str(value).encode("utf8", "backslashreplace").decode("utf8") for value in values])


WRITERS: dict[str, Callable[[Path, Iterable[Rows]], int]] = {".csv": _csv, ".parquet": _parquet, ".npz": _npz}
