"""Arrays of samples from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from torchcpc.contracts import CPCError


def read_array(path: Path) -> np.ndarray:
    """A numeric array of at least one row from an .npy, .csv (header, commas) or .parquet file, without running what it may hold."""
    readers = {
        ".npy": lambda: np.load(path, allow_pickle=False),
        ".csv": lambda: _columns(pyarrow.csv.read_csv(path)),
        ".parquet": lambda: _columns(pyarrow.parquet.ParquetFile(path).read()),
    }
    if path.suffix not in readers:
        raise CPCError(f"{path}: an array is read from {', '.join(readers)}. Save it as one of these.")
    try:
        array = readers[path.suffix]()
    except (OSError, ValueError, EOFError, pa.ArrowException) as error:
        raise CPCError(f"{path} cannot be read as an {path.suffix} array ({error}): save it again, numbers only.") from None
    if array.ndim < 1 or not len(array) or not np.issubdtype(array.dtype, np.number):
        raise CPCError(f"{path} holds {array.dtype} of shape {array.shape}: expected numbers [pairs, ...].")
    return array


def _columns(table: pa.Table) -> np.ndarray:
    return np.stack([column.to_numpy() for column in table.columns], axis=1)
