"""Read series from npz and npy files and from arrays in memory.

Arrays are [time, channels], [time] or [cases, time, channels]. An npz file may also hold `rate` or `fs` in Hz, `time` (a
value a row) and `channels` (a name per channel).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from torchcpc.contracts import CPCError, one_line
from torchcpc.data.files.npy import load_npy, load_npz
from torchcpc.data.series.readings import Columns, Readings, rate_of

RATE_NAMES = ("rate", "fs")
# Errors of numpy and pyarrow for contents that they cannot convert. pyarrow raises the last one for an unsupported cast.
CONVERTING_ERRORS = (ValueError, TypeError, OverflowError, NotImplementedError)


def read_npz(path: Path, columns: Columns) -> list[Readings]:
    """Return all series of an npz file.

    Args:
        path: The file.
        columns: Meaning of its arrays.

    Raises:
        CPCError: If the file cannot be used. The message names no path.
    """
    arrays = _arrays(path, columns.array)
    rate = next((_rate(name, arrays[name]) for name in RATE_NAMES if name in arrays and not arrays[name].ndim), None)
    not_values = ("time", "channels", *columns.row_labels)
    named = [columns.array] if columns.array else [name for name, a in arrays.items() if a.ndim and name not in not_values]
    if len(named) != 1 or named[0] not in arrays:
        raise CPCError(f"arrays {', '.join(arrays) or 'none'}: name the one with the values (data.array)")
    names = tuple(map(str, arrays["channels"])) if "channels" in arrays else ()
    times = _stamps(arrays["time"]) if "time" in arrays else None
    labels = {name: arrays[name] for name in columns.row_labels if name in arrays}
    return _cases(arrays[named[0]], columns.channels, Readings(np.zeros(0), names, times, rate, labels))


def read_npy(path: Path, columns: Columns) -> list[Readings]:
    """Return all series of an npy file.

    Args:
        path: The file.
        columns: Meaning of its columns.

    Raises:
        CPCError: If the file cannot be used. The message names no path.
    """
    return _cases(load_npy(path), columns.channels, Readings(np.zeros(0), ()))


def rows_of(array: object) -> np.ndarray:
    """Return an array as float64, with [S] as [S, 1].

    Masked values become NaN, which means missing.

    Args:
        array: An array, or nested lists.

    Raises:
        CPCError: If it does not hold real numbers but, for instance, text, dates or complex values.
    """
    try:
        values = np.asanyarray(array)
    except ValueError as error:  # rows of different lengths
        raise CPCError(f"no array of [time, channels] ({one_line(error)})") from None
    # Objects may all be numbers, like those of a table of mixed columns.
    if values.dtype.kind not in "biufO":
        raise CPCError(f"an array of {values.dtype}; expected real numbers")
    try:
        values = values.astype(np.float64)
    except CONVERTING_ERRORS as error:
        raise CPCError(f"an array of {values.dtype} with values that are not real numbers ({one_line(error)})") from None
    values = values.filled(np.nan) if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
    return values[:, None] if values.ndim == 1 else values


def _arrays(path: Path, wanted: str) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file by name.

    Raises:
        CPCError: If no array can be read, or the array `wanted` cannot.
    """
    found = load_npz(path)
    unusable = [name for name in found.refused if name == wanted or not found.arrays]
    if unusable:
        raise CPCError(f"its array {unusable[0]!r} cannot be used: {found.refused[unusable[0]]}")
    return dict(found.arrays)


def _cases(values: np.ndarray, wanted: tuple[str, ...], shared: Readings) -> list[Readings]:
    """Return the series of one array, with the names, times, rate and labels that they share."""
    values = rows_of(values)
    if values.ndim not in (2, 3):
        raise CPCError(f"an array of shape {values.shape}; expected [time, channels] or [cases, time, channels]")
    if values.ndim == 3 and not len(values):
        raise CPCError(f"an array of shape {values.shape} holds no case; remove the file, or write cases to it")
    names = shared.channels or tuple(str(n) for n in range(values.shape[-1]))
    wanted = wanted or names
    if len(names) != values.shape[-1] or not set(wanted) <= set(names):
        raise CPCError(f"{values.shape[-1]} channels called {', '.join(names)}; asked for {', '.join(wanted)}")
    if wanted != names:
        values = values[..., [names.index(name) for name in wanted]]
    for name, rows in {**shared.row_labels, **({} if shared.times is None else {"time": shared.times})}.items():
        if rows.shape != values.shape[-2:-1]:
            raise CPCError(f"{name!r} has shape {rows.shape} for {values.shape[-2]} rows")
    whole = Readings(values, wanted, shared.times, shared.rate or rate_of(shared.times), shared.row_labels)
    # Cases of one array are padded to one length. Missing rows at the end of a case are padding.
    return [whole] if values.ndim == 2 else [replace(whole, values=case).trimmed() for case in values]


def _rate(name: str, value: np.ndarray) -> float:
    """Return the rows per second that the array `name` of an npz file holds."""
    try:
        rate = float(value.item())
    except CONVERTING_ERRORS:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise CPCError(
            f"{name} = {value.item()!r}: rows per second are a number above 0; write it as one, or remove it and set data.rate"
        )
    return rate


def _stamps(times: np.ndarray) -> np.ndarray:
    if times.dtype.kind == "M":
        from torchcpc.data.tables.typed import seconds_since_1970

        return seconds_since_1970(times)
    if times.dtype.kind not in "biuf":
        raise CPCError(f"'time' is an array of {times.dtype}; write seconds as numbers, or dates as datetime64")
    return times.astype(np.float64)
