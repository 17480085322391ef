"""Sensor series as sources: one recording each, a position one row of channels, missing values NaN, in memory as float32.

Nothing is filled in or resampled. An encoder for sensors turns NaN into a mask; a gap in time is a gap in `times`, not rows that
nobody measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.data.files.find import find
from torchcpc.data.files.found import Kind, Listed, Skipped, group_of, left_out
from torchcpc.data.series.files import FILES, Columns, Held, check, observations, observed_end, read_series

SENSORS = Kind("series", tuple(FILES))
# Clocks drift; two rates this close are one.
_SAME_RATE = 0.01


@dataclass(frozen=True, slots=True)
class SeriesItem:
    """One source: a unique key, its file, the name of its group, and its labels by column."""

    key: str
    path: Path
    group: str
    labels: Mapping[str, str] = field(default_factory=dict)


class Series:
    """Sources that are sensor series of the same channels; implements `contracts.Sources`, rows at `rate` Hz (1: no clock)."""

    def __init__(
        self,
        held: Sequence[Held],
        items: Sequence[SeriesItem],
        *,
        rate: float = 1.0,
        skipped: Sequence[Skipped] = (),
        gain: float = 0.0,
    ) -> None:
        self.gain = gain
        self.held, self.items, self.rate, self.skipped = list(held), list(items), rate, list(skipped)
        self.groups = sorted({item.group for item in items})
        self._number = {name: number for number, name in enumerate(self.groups)}

    def __len__(self) -> int:
        return len(self.items)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the columns of a row."""
        return self.held[0].channels

    @property
    def hours(self) -> float:
        return sum(len(held.values) for held in self.held) / self.rate / 3600

    def length(self, index: int) -> int:
        return len(self.held[index].values)

    def group(self, index: int) -> int:
        return self._number[self.items[index].group]

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Rows start .. start+count: float32 [count, channels], NaN where missing; varied as `gain` says if there is an `rng`."""
        x_SF = self.held[index].values[start : start + count]
        return stretched(x_SF, self.gain, rng) if rng is not None and self.gain else x_SF

    def times(self, index: int) -> np.ndarray:
        """[S] float64 seconds of every row: as stamped (dates: since 1970), or by the rate where the file has no times."""
        times = self.held[index].times
        return np.arange(self.length(index)) / self.rate if times is None else times

    def row_labels(self, index: int, column: str) -> np.ndarray | None:
        """What a label column of the file says of every row: [S], None where it has no such column."""
        return self.held[index].row_labels.get(column)

    def labels(self, column: str) -> list[str]:
        """One label per source; an empty string where a source has none."""
        return [item.labels.get(column) or (item.group if column == "group" else "") for item in self.items]

    def select(self, indices: Sequence[int]) -> Self:
        """The sources at `indices`, in that order; groups keep their numbers."""
        chosen = type(self)(
            [self.held[i] for i in indices],
            [self.items[i] for i in indices],
            rate=self.rate,
            skipped=self.skipped,
            gain=self.gain,
        )
        chosen.groups, chosen._number = self.groups, self._number
        return chosen


def scan_series(
    roots: Sequence[str | Path],
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    rate: float = 0.0,
    time: str = "",
    channels: Sequence[str] = (),
    row_labels: Sequence[str] = (),
    array: str = "",
    group: str = "",
    gain: float = 0.0,
) -> Series:
    """All usable series that `roots` (folders or manifests) name; the others are in `.skipped`, each with its reason: a file, or one
    case of a file (`a.npz#1`) of which others can be used.

    rate: rows per second, 0 for what times or files say; channels: the columns to read, all that are numbers where none is named;
    row_labels: columns that are not input but labels of rows; time, array: see `series_files.Columns`; group: the label column that
    names the group (patient, machine) of a source, by default its folder; gain: in training, how far each channel of a window is
    stretched at random (`stretched`), for subjects and sensors that differ in amplitude. The first usable file sets channels and
    rate; one with others is skipped. Raises CPCError for a root that cannot be used, and when nothing at all can be.
    """
    if not 0 <= rate < float("inf"):
        raise CPCError(f"data.rate = {rate}: rows per second, above 0, or 0 for what the files say.")
    if not 0 <= gain < float("inf"):
        raise CPCError(f"data.gain = {gain}: a spread of the logarithm of the amplitude, 0 or above, for instance 0.5.")
    listed, skipped = find(roots, SENSORS)
    columns = Columns(time, tuple(channels), tuple(row_labels), array)
    found: list[Held] = []
    items: list[SeriesItem] = []
    for done, entry in enumerate(listed):
        if progress:
            progress(done, len(listed))
        try:
            usable, faulty = _usable(entry, columns, found[0] if found else None, fixed=bool(rate))
        except CPCError as error:
            skipped.append(left_out(entry.path, str(error)))
            continue
        skipped += faulty
        for key, case in usable:
            found.append(case)
            items.append(SeriesItem(key, entry.path, group_of(entry, group), entry.labels))
    if not found:
        reasons = "; ".join(f"{s.path}: {s.reason}" for s in skipped[:3])
        raise CPCError(f"none of {len(skipped)} files can be used, for instance {reasons}. Name a folder of series.")
    return Series(found, items, rate=rate or found[0].rate or 1.0, skipped=skipped, gain=gain)


def stretched(x_SF: np.ndarray, gain: float, rng: np.random.Generator) -> np.ndarray:
    """Each channel stretched about the mean of its observed values by a factor of its own, exp of uniform(-gain, gain)."""
    seen_SF = np.isfinite(x_SF)
    mean_F = np.where(seen_SF, x_SF, 0).sum(axis=0) / np.maximum(seen_SF.sum(axis=0), 1)
    factor_F = np.exp(rng.uniform(-gain, gain, size=x_SF.shape[1]))
    return (mean_F + (x_SF - mean_F) * factor_F).astype(np.float32)


def cases(
    arrays: Sequence[np.ndarray] | np.ndarray,
    *,
    labels: Mapping[str, Sequence[object]] | None = None,
    channels: Sequence[str] = (),
    rate: float = 1.0,
) -> Series:
    """Arrays in memory as sources: [cases, time, channels], [cases, time], or a list of arrays of any lengths; NaN is missing, and at
    the end of a case it is its end.

    labels: column -> one value per case (`group` names groups, `split` train and test). Raises CPCError for arrays that differ in
    channels, hold infinity or what is no real number, or in which nothing is observed.
    """
    given = list(arrays)
    columns = {name: [str(value) for value in values] for name, values in (labels or {}).items()}
    if short := [name for name, values in columns.items() if len(values) != len(given)]:
        raise CPCError(f"labels {short[0]!r}: {len(columns[short[0]])} values for {len(given)} cases. Give one a case.")
    held, items = [], []
    for number, array in enumerate(given):
        own = {name: values[number] for name, values in columns.items()}
        key = f"case-{number:06d}"
        try:
            values = _rows(array)
            check(values)
            values = values[: observed_end(values)]
            names = tuple(channels) or tuple(str(n) for n in range(values.shape[1]))
            held.append(_alike(Held(values, names), held[0] if held else Held(values, names), fixed=True))
        except CPCError as error:
            raise CPCError(f"{key}: {error}.") from None
        items.append(SeriesItem(key, Path(key), own.get("group", key), own))
    if not held:
        raise CPCError("no case was given. Give arrays of [time, channels].")
    return Series(held, items, rate=rate)


def _rows(array: object) -> np.ndarray:
    """[time, channels] float32. Raises CPCError for what is no array of real numbers."""
    try:
        given = np.asarray(array)
    except ValueError as error:  # rows of different lengths
        raise CPCError(f"no array of [time, channels] ({' '.join(str(error).split())})") from None
    values = observations(given)
    return values[:, None] if values.ndim == 1 else values


def _usable(
    entry: Listed, columns: Columns, first: Held | None, *, fixed: bool
) -> tuple[list[tuple[str, Held]], list[Skipped]]:
    """The series of one file by key, and its cases that were left out. Raises CPCError where nothing of the file can be used."""
    usable: list[tuple[str, Held]] = []
    skipped: list[Skipped] = []
    found = read_series(entry.path, columns)
    for number, case in enumerate(found):
        place = "" if len(found) == 1 else f"#{number}"
        try:
            check(case.values, case.times)
            usable.append((entry.key + place, _alike(case, first or case, fixed=fixed)))
        except CPCError as error:
            skipped.append(left_out(f"{entry.path}{place}", str(error)))
    if not usable:  # of channels or times that all share: told once, not case by case
        raise CPCError(skipped[0].reason)
    return usable, skipped


def _alike(case: Held, first: Held, *, fixed: bool) -> Held:
    """The case with its channels in the order of the first one's. Raises CPCError for other channels or another rate."""
    if set(case.channels) != set(first.channels) or case.values.shape[1] != len(case.channels):
        raise CPCError(
            f"{case.values.shape[1]} channels {', '.join(case.channels)} instead of {', '.join(first.channels)}; name those that "
            "all have (data.channels)"
        )
    if not fixed and case.rate and first.rate and abs(case.rate / first.rate - 1) > _SAME_RATE:
        raise CPCError(f"{case.rate:g} rows per second instead of {first.rate:g}; resample it, or fix data.rate")
    if case.channels == first.channels:
        return case
    order = [case.channels.index(name) for name in first.channels]
    return Held(case.values[:, order], first.channels, case.times, case.rate, case.row_labels)
