"""Files of sensor values: rows of numbers from csv, tsv, parquet, npz and npy, with what is missing left missing.

A csv or parquet file is one series: a column of times (by name, or one called time, timestamp, datetime or date), columns of labels by row,
and channels. A first column without a name that counts the rows is no channel; a blank line is a missing value where there is one column,
and nothing where there are more. An npz or npy file holds one array: [time, channels], [time], or [cases, time, channels], which is as many
series; beside it an npz may have `rate` or `fs` in Hz, `time` (a value per row) and `channels` (a name per channel).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from torchcpc.contracts import CPCError, one_line
from torchcpc.data.files.npy import load_npy, load_npz
from torchcpc.data.files.parquet import load_parquet

if TYPE_CHECKING:
    import pyarrow as pa

TIME_NAMES = ("time", "timestamp", "datetime", "date")
MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", "-"]
RATE_NAMES = ("rate", "fs")
# What numpy and pyarrow raise for contents they cannot convert; the last is pyarrow's for a cast between types that it does not have.
_CONVERTING_ERRORS = (ValueError, TypeError, OverflowError, NotImplementedError)
# Units of dates, in parts of a second.
_PER_SECOND = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a file mean. time: the column of times, by default one of a usual name; channels: the columns to read, in this
    order, by default all others; row_labels: columns that label rows and are never input; array: of an npz, by default the only one."""

    time: str = ""
    channels: tuple[str, ...] = ()
    row_labels: tuple[str, ...] = ()
    array: str = ""


@dataclass(frozen=True, slots=True)
class Readings:
    """One series: values [S, C] float32, NaN where missing; a name per channel; times [S] in seconds and rate in Hz, where known."""

    values: np.ndarray
    channels: tuple[str, ...]
    times: np.ndarray | None = None
    rate: float | None = None
    row_labels: Mapping[str, np.ndarray] = field(default_factory=dict)

    def trimmed(self) -> Readings:
        """The rows up to the last one in which anything was observed; all of them where nothing was."""
        observed = np.flatnonzero(~np.isnan(self.values).all(axis=1))
        return self.rows(0, int(observed[-1]) + 1 if len(observed) else len(self.values))

    def rows(self, begin: int, end: int) -> Readings:
        """The rows begin .. end - 1."""
        labels = {name: rows[begin:end] for name, rows in self.row_labels.items()}
        times = None if self.times is None else self.times[begin:end]
        return replace(self, values=self.values[begin:end], times=times, row_labels=labels)


def read_series(path: Path, columns: Columns) -> list[Readings]:
    """All series of one file, each still to be checked. Raises CPCError, without the path, for a file that cannot be used."""
    suffix = path.suffix.lower()
    if suffix not in FILES:
        raise CPCError(f"{path.suffix or 'no'} suffix is not of a series ({', '.join(FILES)})")
    try:
        return FILES[suffix](path, columns)
    except _CONVERTING_ERRORS as error:  # one odd file of thousands is left out, whatever is odd about it
        raise CPCError(f"its contents cannot be converted: {one_line(error)}") from None


def check_series(values: np.ndarray, times: np.ndarray | None = None) -> None:
    """Raises CPCError for a series without a row or an observed value, infinite values, and times that do not increase."""
    if values.ndim != 2 or not values.size:
        raise CPCError(f"values of shape {values.shape} are no rows of channels")
    if np.isinf(values).any():
        row, channel = (int(axis[0]) for axis in np.nonzero(np.isinf(values)))
        raise CPCError(f"infinite value in row {row}, channel {channel}; write missing values as empty or NaN")
    if np.isnan(values).all():
        raise CPCError(f"all {len(values)} rows are missing in every channel")
    if times is None:
        return
    if times.shape != (len(values),) or not np.isfinite(times).all():
        raise CPCError(f"{len(values)} rows need one time each; some are missing")
    if len(back := np.flatnonzero(np.diff(times) <= 0)):
        row = int(back[0]) + 1
        raise CPCError(
            f"times out of order: row {row} is {times[row - 1] - times[row]:g} s before row {row - 1} or at the same time "
            f"({len(back)} such rows); sort the rows and remove repeated ones"
        )


def _table(path: Path, columns: Columns) -> list[Readings]:
    import pyarrow as pa

    if path.suffix.lower() == ".parquet":
        return [_from_table(load_parquet(path), columns)]
    try:
        table = _csv(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CPCError(f"not a readable UTF-8 table: {one_line(error)}") from None
    return [_from_table(table, columns)]


def _csv(path: Path) -> pa.Table:
    import pyarrow.csv as pc

    with path.open(encoding="utf-8-sig") as file:
        first = file.readline().rstrip("\r\n")
    delimiter = max(",;\t", key=first.count)
    fields = first.split(delimiter)
    # A header has words; a first row of numbers only is a row.
    names = [str(n) for n in range(len(fields))] if all(map(_is_number, fields)) else None
    return pc.read_csv(
        path,
        read_options=pc.ReadOptions(column_names=names),
        # Of one column, a blank line is a missing value: without it, all that follows would come a step too early.
        parse_options=pc.ParseOptions(delimiter=delimiter, ignore_empty_lines=len(fields) > 1),
        convert_options=pc.ConvertOptions(null_values=MISSING, strings_can_be_null=True),
    )


def _from_table(table: pa.Table, columns: Columns) -> Readings:
    names = table.column_names
    if repeated := {name for name in names if names.count(name) > 1}:
        raise CPCError(f"two columns are called {min(repeated)!r}; rename one")
    time = columns.time or next((name for name in names if name.strip().lower() in TIME_NAMES), None)
    others = {time, *columns.row_labels, *([""] if _counts_rows(table) else [])}
    channels = columns.channels or tuple(name for name in names if name not in others)
    if absent := [name for name in (*channels, *([columns.time] if columns.time else ())) if name not in names]:
        raise CPCError(f"no column {absent[0]!r} (columns: {', '.join(names)})")
    if not channels:
        raise CPCError(f"no channel beside its times and labels (columns: {', '.join(names) or 'none'})")
    values = np.stack([_numbers(name, table.column(name)) for name in channels], axis=1).astype(np.float32)
    labels = {name: table.column(name).to_numpy() for name in columns.row_labels if name in names}
    times = None if time is None else _seconds(time, table.column(time))
    return Readings(values, channels, times, _rate_of(times), labels)


def _counts_rows(table: pa.Table) -> bool:
    """Whether the first column has no name and goes up by one: the numbers of rows that pandas writes, not a measurement."""
    import pyarrow as pa

    if not table.num_columns or table.column_names[0] or not pa.types.is_integer(table.column(0).type):
        return False
    return bool((np.diff(_numbers("", table.column(0))) == 1).all())


def _numbers(name: str, column: pa.ChunkedArray) -> np.ndarray:
    import pyarrow as pa

    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null)
    if any(of_kind(column.type) for of_kind in numeric):
        # Null becomes NaN; integers above 2**53 are rounded, since a row is float32 in the end.
        return column.cast(pa.float64(), safe=False).to_numpy()
    odd = next((str(value) for value in column.to_pylist() if value is not None and not _is_number(str(value))), "")
    raise CPCError(
        f"column {name!r} is not of numbers (for instance {odd!r}); name the channels (data.channels), or what labels the rows "
        "(data.row_labels)"
    )


def _seconds(name: str, column: pa.ChunkedArray) -> np.ndarray:
    import pyarrow as pa

    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("ms"))  # dates are whole days, or milliseconds
    return _since_1970(column.to_numpy()) if pa.types.is_timestamp(column.type) else _numbers(name, column)


def _arrays(path: Path, wanted: str) -> dict[str, np.ndarray]:
    """What an npz file holds by name. Raises CPCError where nothing in it can be read, and where the array `wanted` cannot."""
    found = load_npz(path)
    unusable = [name for name in found.refused if name == wanted or not found.arrays]
    if unusable:
        raise CPCError(f"its array {unusable[0]!r} cannot be used: {found.refused[unusable[0]]}")
    return dict(found.arrays)


def _npz(path: Path, columns: Columns) -> list[Readings]:
    arrays = _arrays(path, columns.array)
    rate = next((_rate(name, arrays[name]) for name in RATE_NAMES if name in arrays and not arrays[name].ndim), None)
    beside = ("time", "channels", *columns.row_labels)
    named = [columns.array] if columns.array else [name for name, a in arrays.items() if a.ndim and name not in beside]
    if len(named) != 1 or named[0] not in arrays:
        raise CPCError(f"arrays {', '.join(arrays) or 'none'}: name the one with the values (data.array)")
    names = tuple(map(str, arrays["channels"])) if "channels" in arrays else ()
    times = _stamps(arrays["time"]) if "time" in arrays else None
    labels = {name: arrays[name] for name in columns.row_labels if name in arrays}
    return _cases(arrays[named[0]], columns.channels, Readings(np.zeros(0), names, times, rate, labels))


def _npy(path: Path, columns: Columns) -> list[Readings]:
    return _cases(load_npy(path), columns.channels, Readings(np.zeros(0), ()))


def _cases(values: np.ndarray, wanted: tuple[str, ...], shared: Readings) -> list[Readings]:
    """The series of one array, with the names, times, rate and labels that they share."""
    values = rows_of(values)
    if values.ndim not in (2, 3):
        raise CPCError(f"an array of shape {values.shape}; expected [time, channels] or [cases, time, channels]")
    if values.ndim == 3 and not len(values):
        raise CPCError(f"an array of shape {values.shape} holds no case; remove the file, or write cases to it")
    names = shared.channels or tuple(str(n) for n in range(values.shape[-1]))
    wanted = wanted or names
    if len(names) != values.shape[-1] or not set(wanted) <= set(names):
        raise CPCError(f"{values.shape[-1]} channels called {', '.join(names)}; asked for {', '.join(wanted)}")
    values = values[..., [names.index(name) for name in wanted]]
    for name, rows in {**shared.row_labels, **({} if shared.times is None else {"time": shared.times})}.items():
        if rows.shape != values.shape[-2:-1]:
            raise CPCError(f"{name!r} has shape {rows.shape} for {values.shape[-2]} rows")
    whole = Readings(values, wanted, shared.times, shared.rate or _rate_of(shared.times), shared.row_labels)
    # Cases of one array are padded to one length; what is missing at the end of a case is its end.
    return [whole] if values.ndim == 2 else [replace(whole, values=case).trimmed() for case in values]


def rows_of(array: object) -> np.ndarray:
    """The same as float32, [S] as [S, 1]. Raises CPCError for what is no array of real numbers: text, dates, complex values."""
    try:
        values = np.asarray(array)
    except ValueError as error:  # rows of different lengths
        raise CPCError(f"no array of [time, channels] ({one_line(error)})") from None
    # Objects may all be numbers, as those of a table of mixed columns are.
    if values.dtype.kind not in "biufO":
        raise CPCError(f"an array of {values.dtype}; expected real numbers")
    try:
        values = values.astype(np.float32)
    except _CONVERTING_ERRORS as error:
        raise CPCError(f"an array of {values.dtype} with what is no real number ({one_line(error)})") from None
    return values[:, None] if values.ndim == 1 else values


def _rate(name: str, value: np.ndarray) -> float:
    """Rows per second as an npz file tells them in the array `name`."""
    try:
        rate = float(value.item())
    except _CONVERTING_ERRORS:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise CPCError(
            f"{name} = {value.item()!r}: rows per second are a number above 0; write it as one, or remove it and set data.rate"
        )
    return rate


def _stamps(times: np.ndarray) -> np.ndarray:
    if times.dtype.kind == "M":
        return _since_1970(times)
    if times.dtype.kind not in "biuf":
        raise CPCError(f"'time' is an array of {times.dtype}; write seconds as numbers, or dates as datetime64")
    return times.astype(np.float64)


def _since_1970(stamps: np.ndarray) -> np.ndarray:
    """Seconds from the unit that the dates have, NaN where one is missing: not all by way of nanoseconds, which end in 2262."""
    unit, _ = np.datetime_data(stamps.dtype)
    if unit not in _PER_SECOND:
        unit = "ns" if unit in ("ps", "fs", "as") else "s"
    counts = stamps.astype(f"datetime64[{unit}]").astype(np.int64)
    return np.where(np.isnat(stamps), np.nan, counts / _PER_SECOND[unit])


def _rate_of(times: np.ndarray | None) -> float | None:
    """Rows per second by the median step, which forgives gaps."""
    if times is None or len(times) < 2:
        return None
    step = float(np.median(np.diff(times)))
    return 1 / step if step > 0 else None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.strip() in MISSING
    return True


FILES: dict[str, Callable[[Path, Columns], list[Readings]]]
FILES = {".csv": _table, ".tsv": _table, ".parquet": _table, ".npz": _npz, ".npy": _npy}
