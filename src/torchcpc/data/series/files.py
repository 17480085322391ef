"""Read files of sensor values from csv, tsv, parquet, npz and npy.

Missing values stay missing. A csv, tsv or parquet file is one series: a column of times, columns of labels of rows, and
channels (`columns`). In a file of one column, a blank line is a missing value; otherwise it is ignored. An npz or npy file
holds one series or several (`arrays`).
"""

from collections.abc import Callable
from pathlib import Path

from torchcpc.contracts import CPCError, one_line
from torchcpc.data.series.arrays import CONVERTING_ERRORS, read_npy, read_npz
from torchcpc.data.series.columns import read_columns
from torchcpc.data.series.readings import Columns, Readings

FILES: dict[str, Callable[[Path, Columns], list[Readings]]]
FILES = {".csv": read_columns, ".tsv": read_columns, ".parquet": read_columns, ".npz": read_npz, ".npy": read_npy}


def read_series(path: Path, columns: Columns) -> list[Readings]:
    """Return all series of one file, not yet checked.

    Args:
        path: The file.
        columns: Meaning of its columns.

    Raises:
        CPCError: If the file cannot be used. The message names no path.
    """
    suffix = path.suffix.lower()
    if suffix not in FILES:
        raise CPCError(f"{path.suffix or 'no'} suffix is not of a series ({', '.join(FILES)})")
    try:
        return FILES[suffix](path, columns)
    except CONVERTING_ERRORS as error:  # one odd file of thousands is skipped, whatever its fault
        raise CPCError(f"its contents cannot be converted: {one_line(error)}") from None
