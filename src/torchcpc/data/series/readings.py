"""One series as it was read, and the rules for every series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from torchcpc.contracts import CPCError


@dataclass(frozen=True, slots=True)
class Columns:
    """Meaning of the columns of a file.

    Attributes:
        time: Column of times. Empty for one with a usual name.
        channels: Columns to read, in this order. Empty for all others.
        row_labels: Columns that label rows and are never input.
        array: Array of an npz file. Empty for the only one.
    """

    time: str = ""
    channels: tuple[str, ...] = ()
    row_labels: tuple[str, ...] = ()
    array: str = ""


@dataclass(frozen=True, slots=True)
class Readings:
    """One series.

    Attributes:
        values: Values, float64 [S, C], NaN where missing.
        channels: Name of each channel.
        times: Seconds of each row, [S], None if unknown.
        rate: Rows per second, in Hz, None if unknown.
        row_labels: Labels of the rows by column, [S] each.
        notes: Guesses and doubts about the file.
    """

    values: np.ndarray
    channels: tuple[str, ...]
    times: np.ndarray | None = None
    rate: float | None = None
    row_labels: Mapping[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def trimmed(self) -> Readings:
        """Return the rows up to the last one with an observed value; all rows if nothing was observed."""
        observed = np.flatnonzero(~np.isnan(self.values).all(axis=1))
        return self.rows(0, int(observed[-1]) + 1 if len(observed) else len(self.values))

    def rows(self, begin: int, end: int) -> Readings:
        """Return the rows begin .. end - 1.

        Args:
            begin: First row.
            end: Row after the last.
        """
        labels = {name: rows[begin:end] for name, rows in self.row_labels.items()}
        times = None if self.times is None else self.times[begin:end]
        return replace(self, values=self.values[begin:end], times=times, row_labels=labels)


def check_series(values: np.ndarray, times: np.ndarray | None = None) -> None:
    """Check that a series has observed, finite values and increasing times.

    Args:
        values: Values, [S, C].
        times: Seconds of each row, [S], or None.

    Raises:
        CPCError: If it has no row, no observed value, an infinite value, or times that do not increase.
    """
    if values.ndim != 2 or not values.size:
        raise CPCError(f"values of shape {values.shape} are not rows of channels")
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
            f"({len(back)} such rows); sort the rows and remove repeated ones, or leave the times out (data.row_labels) and set data.rate"
        )


def rate_of(times: np.ndarray | None) -> float | None:
    """Return the rows per second by the median step, which is robust to gaps.

    Args:
        times: Seconds of each row, or None.

    Returns:
        The rate in Hz. None for fewer than two rows.
    """
    if times is None or len(times) < 2:
        return None
    step = float(np.median(np.diff(times)))
    return 1 / step if step > 0 else None


def doubts(series: Readings) -> tuple[str, ...]:
    """Return remarks about an implausible shape of a series.

    Args:
        series: The series.
    """
    (S, C), found = series.values.shape, list[str]()
    if C > S:
        found.append(f"more channels ({C}) than rows ({S}): rows are moments; transpose an array of [channels, time]")
    if C > 1 and S > 2:
        counting = [name for name, own in zip(series.channels, series.values.T, strict=True) if (np.diff(own) == 1).all()]
        found += [
            f"channel {name!r} goes up by one from row to row: leave out a count of the rows (data.channels)"
            for name in counting
        ]
    return tuple(found)
