"""Read typed columns, such as those of parquet, as numbers, as seconds and as labels."""

import numpy as np
import pyarrow as pa

from torchcpc.contracts import CPCError
from torchcpc.data.tables import text_columns as text
from torchcpc.data.tables.values import MISSING_LABELS

# Units of dates and clocks, in parts of a second.
_PER_SECOND = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}


def is_text(kind: pa.DataType) -> bool:
    """Return whether a type of Arrow is text."""
    return pa.types.is_string(kind)


def numbers(name: str, cells: pa.ChunkedArray, *, remedy: str = "") -> np.ndarray:
    """Return a typed column as float64 [rows], NaN for null.

    Integers beyond 2**53 are rounded.

    Args:
        name: Name of the column, for the error message.
        cells: The column.
        remedy: Next step in the error message.

    Raises:
        CPCError: If the type holds no numbers.
    """
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null, pa.types.is_decimal)
    if any(of_kind(cells.type) for of_kind in kinds):
        return cells.cast(pa.float64(), safe=False).to_numpy()
    odd = next((str(value) for value in cells.to_pylist() if value is not None), "")
    raise CPCError(f"column {name!r} is of {cells.type}, not of numbers (for instance {odd[:60]!r}){remedy}")


def moments(name: str, cells: pa.ChunkedArray) -> tuple[np.ndarray, str] | None:
    """Return a typed column of times in seconds.

    Args:
        name: Name of the column, for the error message.
        cells: The column.

    Returns:
        Seconds as float64 [rows], NaN for null, and the type in words. None for a column of numbers.

    Raises:
        CPCError: If the type holds neither times nor numbers.
    """
    kind = cells.type
    if pa.types.is_date(kind):  # whole days, or milliseconds
        cells = cells.cast(pa.timestamp("s" if pa.types.is_date32(kind) else "ms"))
    if pa.types.is_timestamp(cells.type):
        return seconds_since_1970(cells.to_numpy()), str(kind)
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        counts = cells.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64()).cast(pa.float64())
        return counts.to_numpy() / _PER_SECOND[kind.unit], str(kind)
    numbers(name, cells)
    return None


def seconds_since_1970(stamps: np.ndarray) -> np.ndarray:
    """Return dates in seconds since 1970, NaN where one is missing.

    Each unit is converted directly, since nanoseconds end in the year 2262.

    Args:
        stamps: Dates in any unit of numpy.
    """
    unit, _ = np.datetime_data(stamps.dtype)
    if unit not in _PER_SECOND:
        unit = "ns" if unit in ("ps", "fs", "as") else "s"
    counts = stamps.astype(f"datetime64[{unit}]").astype(np.int64)
    return np.where(np.isnat(stamps), np.nan, counts / _PER_SECOND[unit])


def label_texts(cells: pa.ChunkedArray, *, verbatim: bool) -> list[str]:
    """Return the cells as labels, "" where one is missing.

    Whole numbers lose their fraction, because pandas turns a column with a gap into floats.

    Args:
        cells: The column.
        verbatim: Whether "NA" and similar spellings are text.
    """
    if pa.types.is_floating(cells.type):
        found = cells.to_numpy()
        known = found[np.isfinite(found)]
        whole = bool((known == np.floor(known)).all()) and bool((np.abs(known) < 1e15).all())
        return ["" if np.isnan(value) else str(int(value)) if whole and np.isfinite(value) else str(value) for value in found]
    if not is_text(cells.type):
        return ["" if value is None else str(value) for value in cells.to_pylist()]
    if verbatim:
        return text.filled(cells).to_pylist()
    cells = text.where(text.among(cells, MISSING_LABELS), "", cells)
    return (text.replaced(cells, r"\.0$", "") if text.matching(cells, r"^([+\-]?\d+\.0)?$").all() else cells).to_pylist()
