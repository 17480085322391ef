"""Files of sensor values: rows of numbers from csv, tsv, parquet, npz and npy, with what is missing left missing.

A csv or parquet file is one series: a column of times, columns of labels by row, and channels (`columns`). A blank line is a missing
value where there is one column, and nothing where there are more. An npz or npy file holds one series or several (`arrays`).
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
    """All series of one file, each still to be checked. Raises CPCError, without the path, for a file that cannot be used."""
    suffix = path.suffix.lower()
    if suffix not in FILES:
        raise CPCError(f"{path.suffix or 'no'} suffix is not of a series ({', '.join(FILES)})")
    try:
        return FILES[suffix](path, columns)
    except CONVERTING_ERRORS as error:  # one odd file of thousands is left out, whatever is odd about it
        raise CPCError(f"its contents cannot be converted: {one_line(error)}") from None
