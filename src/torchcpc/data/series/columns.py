"""Read series from tables.

It is decided here which columns are times, channels and labels of rows, and in which unit the times are.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.data.names import same_names
from torchcpc.data.series.readings import Columns, Readings, rate_of

if TYPE_CHECKING:
    from torchcpc.data.tables.table import Table

# Seconds of each unit that may end the name of a column of times.
UNITS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "millis": 1e-3, "milliseconds": 1e-3}
UNITS |= {"us": 1e-6, "µs": 1e-6, "microseconds": 1e-6, "ns": 1e-9, "nanoseconds": 1e-9, "min": 60.0, "minutes": 60.0}
UNITS |= {"h": 3600.0, "hour": 3600.0, "hours": 3600.0, "d": 86400.0, "day": 86400.0, "days": 86400.0}
_TIME = re.compile(rf"(time|timestamp|datetime|date|epoch)([ _]*[\[( _]({'|'.join(UNITS)})[\])]?)?")
# As seconds, such large numbers would be dates beyond the year 5000. They are parts of seconds since 1970: the smallest
# number, and its unit.
_EPOCHS = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"))

# Formats of dates in which day and month can be confused.
_EITHER = ("month/day/year", "day/month/year", "month-day-year", "day-month-year")
_DAY = 86_400.0
_REMEDY = "; name the channels (data.channels), or what labels the rows (data.row_labels)"


def read_columns(path: Path, columns: Columns) -> list[Readings]:
    """Return the one series of a table, in a list.

    Args:
        path: File of the table.
        columns: Meaning of its columns.

    Raises:
        CPCError: If the table cannot be used. The message names no path.
    """
    from torchcpc.data.tables.read import read_table

    try:
        table = read_table(path)
    except CPCError as error:
        raise CPCError(str(error).removeprefix(f"{path} is ").removeprefix(f"{path}: ").rstrip(".")) from None
    table.require_regular()
    return [_from_table(table, columns)]


def _from_table(table: Table, columns: Columns) -> Readings:
    notes = list(table.notes)
    if repeated := {name for name in table.columns if table.columns.count(name) > 1}:
        raise CPCError(f"two columns are called {min(repeated)!r}; rename one")
    meant = {label: same_names(label, table.columns) for label in columns.row_labels}
    notes += [f"the column {found[0]!r} is read as {label!r}" for label, found in meant.items() if found and found[0] != label]
    of_rows = [name for found in meant.values() for name in found]
    times, of_times, said = _times(table, columns.time, of_rows, columns.channels)
    names = list(columns.channels) or [name for name in table.columns if name not in (*of_times, *of_rows)]
    if not columns.channels and (words := [name for name in names if table.is_word(name)]) != names:
        # If all columns hold words, there is nothing to read, and an error says so.
        names = [name for name in names if name not in words]
        notes += [
            f"the column {name!r} holds words and is not read; data.row_labels makes it a label of rows" for name in words
        ]
    if not names:
        raise CPCError(f"no channel besides its times and labels (columns: {', '.join(table.columns) or 'none'})")
    values = np.stack([table.numbers(name, remedy=_REMEDY) for name in names], axis=1)
    notes += table.number_notes(names)
    labels = {label: _row_labels(table, found[0]) for label, found in meant.items() if found}
    return Readings(values, tuple(names), times, rate_of(times), labels, (*notes, *said))


def _row_labels(table: Table, name: str) -> np.ndarray:
    """Return the labels of rows, [rows]: numbers if all are numbers, whole ones as integers, otherwise words."""
    from torchcpc.data.tables.typed import label_texts

    try:
        found = table.numbers(name)
    except CPCError:
        return np.array(label_texts(table.column(name), verbatim=True))
    return found.astype(np.int64) if np.isfinite(found).all() and (found == np.floor(found)).all() else found


def _times(
    table: Table, named: str, labels: list[str], channels: tuple[str, ...]
) -> tuple[np.ndarray | None, list[str], list[str]]:
    """Return the seconds of every row, the columns that hold them, and notes."""
    if named:
        found = same_names(named, table.columns)[:1] or [named]
        return _with_columns(found, *_seconds(table, found[0]))
    free = [name for name in table.columns if name not in labels]
    usual = [name for name in free if _TIME.fullmatch(name.lower())]
    guess = []
    if not usual and free and free[0] not in channels and _is_index_of_times(table, free[0]):
        usual, guess = free[:1], [f"the column {free[0]!r} is read as the times"]
    if not usual:
        return None, [], []
    read = [(name, *_seconds(table, name)) for name in usual[:2]]
    (_, first, said), *more = read
    if more and (together := _date_and_clock(first, more[0][1])) is not None:
        return _with_columns(usual, together, [f"the times are {usual[0]!r} and {usual[1]!r} together"])
    said += guess + [f"the times are those of {usual[0]!r}; {name!r} is not read" for name in usual[1:]]
    return _with_columns(usual, first, said)


def _with_columns(names: list[str], seconds: np.ndarray, said: list[str]) -> tuple[np.ndarray, list[str], list[str]]:
    return seconds, names, said


def _date_and_clock(first: np.ndarray, second: np.ndarray) -> np.ndarray | None:
    """Return the sum of whole days since 1970 and seconds since midnight, in either order; None for other columns."""
    for days, clock in ((first, second), (second, first)):
        if (days % _DAY == 0).all() and np.ptp(clock) > 0 and (days > _DAY).all() and ((clock >= 0) & (clock < _DAY * 2)).all():
            return days + clock % _DAY
    return None


def _is_index_of_times(table: Table, name: str) -> bool:
    """Return whether a column is the index of a frame of times.

    It holds dates or clock times, or it has no name and increases.
    """
    try:
        if table.moments(name) is not None:
            return True
        return not name and len(table) > 1 and bool((np.diff(table.numbers(name)) > 0).all())
    except CPCError:
        return False


def _seconds(table: Table, name: str) -> tuple[np.ndarray, list[str]]:
    """Return a column of times in seconds, and a note if its unit is a guess."""
    if (found := table.moments(name)) is not None:
        seconds, form = found
        return seconds, [f"the times in {name!r} are read as {form}"] if form in _EITHER else []
    numbers = table.numbers(name)
    known = np.abs(numbers[np.isfinite(numbers)])
    middle = float(np.median(known)) if len(known) else 0.0
    named = _TIME.fullmatch(name.lower())
    since_1970 = next((f"{unit} since 1970" for least, unit in _EPOCHS if middle >= least), "")
    unit = (named.group(3) if named else "") or since_1970.split(" ")[0] or "s"
    return numbers * UNITS[unit], [f"the times in {name!r} are read in {since_1970 or unit}"] if UNITS[unit] != 1 else []
