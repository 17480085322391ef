"""Files of sensor values: rows of numbers from csv, tsv, parquet, npz and npy, with what is missing left missing.

A csv or parquet file is one series: a column of times (by name, or one called time, timestamp, datetime or date), columns of labels
by row, and channels. An npz or npy file holds one array: [time, channels], [time], or [cases, time, channels], which is as many
series; beside it an npz may have `rate` or `fs` in Hz, `time` (a value per row) and `channels` (a name per channel).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from torchcpc.contracts import CPCError

TIME_NAMES = ("time", "timestamp", "datetime", "date")
MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", "-"]
RATE_NAMES = ("rate", "fs")


@dataclass(frozen=True, slots=True)
class Columns:
    """What of a file is what. time: the column of times ("": by its usual names); channels: in this order (none: all others);
    row_labels: columns that describe rows and are never input; array: which array of an npz (""): the only one."""

    time: str = ""
    channels: tuple[str, ...] = ()
    row_labels: tuple[str, ...] = ()
    array: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """One series: values [S, C] float32, NaN where missing; a name per channel; times [S] in seconds and rate in Hz, where known."""

    values: np.ndarray
    channels: tuple[str, ...]
    times: np.ndarray | None = None
    rate: float | None = None
    row_labels: Mapping[str, np.ndarray] = field(default_factory=dict)


def read_series(path: Path, columns: Columns) -> list[Held]:
    """All series of one file. Raises CPCError, without the path, for what cannot be used."""
    if path.suffix.lower() not in FILES:
        raise CPCError(f"{path.suffix or 'no'} suffix is not of a series ({', '.join(FILES)})")
    found = FILES[path.suffix.lower()](path, columns)
    for held in found:
        check(held.values, held.times)
    return found


def check(values: np.ndarray, times: np.ndarray | None = None) -> None:
    """Raises CPCError for a series without a row or an observed value, infinite values, and times that do not increase."""
    if values.ndim != 2 or not values.size:
        raise CPCError(f"values of shape {values.shape} are no rows of channels")
    if np.isinf(values).any():
        row, channel = (int(place[0]) for place in np.nonzero(np.isinf(values)))
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


def _csv(path: Path, columns: Columns) -> list[Held]:
    import pyarrow as pa
    import pyarrow.csv as pc

    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.readline().rstrip("\r\n")
        delimiter = max(",;\t", key=first.count)
        fields = first.split(delimiter)
        # A header has words; a first row of numbers only is a row.
        names = [str(n) for n in range(len(fields))] if all(map(_is_number, fields)) else None
        table = pc.read_csv(
            path,
            read_options=pc.ReadOptions(column_names=names),
            parse_options=pc.ParseOptions(delimiter=delimiter),
            convert_options=pc.ConvertOptions(null_values=MISSING, strings_can_be_null=True),
        )
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CPCError(f"not a readable UTF-8 table: {' '.join(str(error).split())}") from None
    return [_held(table, columns)]


def _parquet(path: Path, columns: Columns) -> list[Held]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise CPCError(f"not a readable parquet table: {' '.join(str(error).split())}") from None
    return [_held(table, columns)]


def _held(table: Any, columns: Columns) -> Held:
    names = table.column_names
    if repeated := {name for name in names if names.count(name) > 1}:
        raise CPCError(f"two columns are called {min(repeated)!r}; rename one")
    time = columns.time or next((name for name in names if name.strip().lower() in TIME_NAMES), "")
    channels = columns.channels or tuple(name for name in names if name != time and name not in columns.row_labels)
    if absent := [name for name in (*channels, *([columns.time] if columns.time else ())) if name not in names]:
        raise CPCError(f"no column {absent[0]!r} (columns: {', '.join(names)})")
    if not channels:
        raise CPCError(f"no channel beside its times and labels (columns: {', '.join(names) or 'none'})")
    values = np.stack([_numbers(name, table.column(name)) for name in channels], axis=1).astype(np.float32)
    labels = {name: table.column(name).to_numpy() for name in columns.row_labels if name in names}
    times = _seconds(time, table.column(time)) if time else None
    return Held(values, channels, times, _rate_of(times), labels)


def _numbers(name: str, column: Any) -> np.ndarray:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return column.cast(pa.float64()).to_numpy()  # null becomes NaN
    odd = next((str(value) for value in column.to_pylist() if value is not None and not _is_number(str(value))), "")
    raise CPCError(
        f"column {name!r} is not of numbers (for instance {odd!r}); name the channels (data.channels), or what labels the rows "
        "(data.row_labels)"
    )


def _seconds(name: str, column: Any) -> np.ndarray:
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        stamps = column.cast(pa.timestamp("ns")).to_numpy()
        return np.where(np.isnat(stamps), np.nan, stamps.astype(np.int64) / 1e9)
    return _numbers(name, column)


def _npz(path: Path, columns: Columns) -> list[Held]:
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:  # numpy leaves a damaged file open
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # zipfile, numpy and the codecs raise a dozen kinds for a damaged file
        raise CPCError(f"not a readable npz file without pickled objects: {' '.join(str(error).split())}") from None
    rate = next((float(arrays[name]) for name in RATE_NAMES if name in arrays and arrays[name].ndim == 0), None)
    beside = ("time", "channels", *columns.row_labels)
    named = [columns.array] if columns.array else [name for name, a in arrays.items() if a.ndim and name not in beside]
    if len(named) != 1 or named[0] not in arrays:
        raise CPCError(f"arrays {', '.join(arrays) or 'none'}: name the one with the values (data.array)")
    names = tuple(map(str, arrays["channels"])) if "channels" in arrays else ()
    rows = {name: arrays[name] for name in columns.row_labels if name in arrays}
    return _cases(arrays[named[0]], columns, names, arrays.get("time"), rate, rows)


def _npy(path: Path, columns: Columns) -> list[Held]:
    try:
        values = np.load(path, allow_pickle=False)
    except Exception as error:
        raise CPCError(f"not a readable npy file without pickled objects: {' '.join(str(error).split())}") from None
    return _cases(values, columns, (), None, None, {})


def _cases(
    values: np.ndarray,
    columns: Columns,
    names: tuple[str, ...],
    times: np.ndarray | None,
    rate: float | None,
    row_labels: Mapping[str, np.ndarray],
) -> list[Held]:
    if not (np.issubdtype(values.dtype, np.number) or values.dtype == bool) or np.iscomplexobj(values):
        raise CPCError(f"an array of {values.dtype}; expected numbers")
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim not in (2, 3):
        raise CPCError(f"an array of shape {values.shape}; expected [time, channels] or [cases, time, channels]")
    names = names or tuple(str(n) for n in range(values.shape[-1]))
    wanted = columns.channels or names
    if len(names) != values.shape[-1] or not set(wanted) <= set(names):
        raise CPCError(f"{values.shape[-1]} channels called {', '.join(names)}; asked for {', '.join(wanted)}")
    values = values[..., [names.index(name) for name in wanted]].astype(np.float32)
    seconds = None if times is None else _stamps(times)
    for name, rows in row_labels.items():
        if rows.shape != values.shape[-2:-1]:
            raise CPCError(f"{name!r} has shape {rows.shape} for {values.shape[-2]} rows")
    found = values[None] if values.ndim == 2 else values
    # Cases of one array are padded to one length; what is missing at the end of a case is its end.
    ends = [len(case) if values.ndim == 2 else observed_end(case) for case in found]
    return [
        Held(
            case[:end],
            wanted,
            None if seconds is None else seconds[:end],
            rate or _rate_of(seconds),
            {name: rows[:end] for name, rows in row_labels.items()},
        )
        for case, end in zip(found, ends, strict=True)
    ]


def observed_end(case: np.ndarray) -> int:
    """Rows up to the last one in which anything was observed; all of them where nothing was."""
    observed = np.flatnonzero(~np.isnan(case).all(axis=1))
    return int(observed[-1]) + 1 if len(observed) else len(case)


def _stamps(times: np.ndarray) -> np.ndarray:
    if np.issubdtype(times.dtype, np.datetime64):
        return np.where(np.isnat(times), np.nan, times.astype("datetime64[ns]").astype(np.int64) / 1e9)
    return times.astype(np.float64)


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


FILES: dict[str, Callable[[Path, Columns], list[Held]]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
    ".npz": _npz,
    ".npy": _npy,
}
