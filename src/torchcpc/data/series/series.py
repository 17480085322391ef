"""Sensor series as sources: one recording each, a position one row of channels, missing values NaN, in memory as float32.

Nothing is filled in or resampled. An encoder for sensors turns NaN into a mask; a gap in time is a gap in `times`, not rows that
nobody measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import final

import numpy as np

from torchcpc.contracts import CPCError, Item, Progress, Skipped, silent
from torchcpc.data.files.find import find
from torchcpc.data.files.found import FileKind, FoundFile, group_of, skip
from torchcpc.data.labels import label_notes
from torchcpc.data.names import first_label, same_names
from torchcpc.data.series.files import FILES, Columns, Readings, check_series, read_series, rows_of
from torchcpc.data.sources import SourceList, nothing_usable

SENSORS = FileKind("series", tuple(FILES), in_parts=True)
# Clocks drift; two rates this close are one.
_SAME_RATE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesItem(Item):
    """One series with its values."""

    readings: Readings = field(compare=False, repr=False)


@final
class Series(SourceList[SeriesItem]):
    """Sources that are sensor series of the same channels; implements `contracts.Sources`, rows at `rate` Hz (1: no clock). gain: see
    `stretched`; 0 reads training windows as they are."""

    noun = "series"

    def __init__(
        self,
        items: Sequence[SeriesItem],
        *,
        rate: float = 1.0,
        skipped: Sequence[Skipped] = (),
        notes: Sequence[Skipped] = (),
        gain: float = 0.0,
    ) -> None:
        super().__init__(items, rate=rate, skipped=skipped, notes=notes)
        self.gain, self.channels = gain, items[0].readings.channels

    def length(self, index: int) -> int:
        return len(self.items[index].readings.values)

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Rows start .. start+count: float32 [count, channels], NaN where missing; varied as `gain` says if there is an `rng`."""
        x_SF = self.items[index].readings.values[start : start + count]
        return stretched(x_SF, self.gain, rng) if rng is not None and self.gain else x_SF

    def times(self, index: int) -> np.ndarray:
        """[S] float64 seconds of every row: as stamped (dates: since 1970), or by the rate where the file has no times."""
        times = self.items[index].readings.times
        return np.arange(self.length(index)) / self.rate if times is None else times

    def row_labels(self, index: int, column: str) -> np.ndarray | None:
        """The labels of every row in a column of the file: [S], None where it has no such column."""
        return self.items[index].readings.row_labels.get(column)


def scan_series(
    roots: Sequence[str | Path],
    cache: Path | None = None,
    progress: Progress = silent,
    *,
    rate: float = 0.0,
    time: str = "",
    channels: Sequence[str] = (),
    row_labels: Sequence[str] = (),
    array: str = "",
    group: str = "",
    gain: float = 0.0,
) -> Series:
    """All usable series of `roots`; the others are in `.skipped`: a file, or one case (`a.npz#1`) of a file with usable ones.

    The first usable file sets channels and rate; one with others is skipped.

    roots: folders, manifests or single files; cache: not used; rate: rows per second, 0 for that of times or files; time, channels,
    row_labels, array: see `files.Columns`; group: the label column that names the group (patient, machine) of a source, by default its
    folder; gain: how far training stretches each channel of a window at random, see `stretched`, which helps where subjects and sensors
    differ in amplitude. Raises CPCError for a root that cannot be used, and when nothing at all can be.
    """
    if not 0 <= rate < float("inf"):
        raise CPCError(f"data.rate = {rate}: rows per second, above 0, or 0 for what the files say.")
    if not 0 <= gain < float("inf"):
        raise CPCError(f"data.gain = {gain}: a spread of the logarithm of the amplitude, 0 or above, for instance 0.5.")
    files, skipped, notes = find(roots, replace(SENSORS, group_columns=(group,)) if group else SENSORS)
    columns = Columns(time, tuple(channels), tuple(row_labels), array)
    items: list[SeriesItem] = []
    fixed = bool(rate)
    for done, file in enumerate(files):
        progress(done, len(files))
        try:
            usable, faulty = _usable(file, columns, items[0].readings if items else None, fixed=fixed)
        except CPCError as error:
            skipped.append(skip(file.path, str(error)))
            continue
        skipped += faulty
        rate = rate or usable[0][1].rate or 1.0
        named = group_of(file, group)
        for key, case, begin_s in usable:
            seconds, origin = len(case.values) / rate, (file.part_of, begin_s, file.root)
            items.append(SeriesItem(key, named, file.labels, file.path, seconds, *origin, readings=case))
    if not items:
        raise nothing_usable(skipped, "files", "series")
    return Series(items, rate=rate, skipped=skipped, notes=notes + label_notes(items), gain=gain)


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
    """Arrays in memory as sources: [cases, time, channels], [cases, time], or a list of arrays of any lengths.

    NaN is missing, and at the end of a case it is its end. labels: column -> one value per case; `group` names groups, `split` train and
    test; channels: their names; rate: rows per second. Raises CPCError for arrays that differ in channels, hold infinity or what is no real
    number, or in which nothing is observed.
    """
    given = list(arrays)
    columns = {name: [str(value) for value in values] for name, values in (labels or {}).items()}
    if short := [name for name, values in columns.items() if len(values) != len(given)]:
        raise CPCError(f"labels {short[0]!r}: {len(columns[short[0]])} values for {len(given)} cases. Give one a case.")
    items: list[SeriesItem] = []
    for number, array in enumerate(given):
        key, of_case = f"case-{number:06d}", {name: values[number] for name, values in columns.items()}
        try:
            values = rows_of(array)
            check_series(values)
            names = tuple(channels) or tuple(str(n) for n in range(values.shape[1]))
            case = Readings(values, names).trimmed()
            readings = _alike(case, items[0].readings if items else case, fixed=True)
        except CPCError as error:
            raise CPCError(f"{key}: {error}.") from None
        items.append(
            SeriesItem(
                key,
                first_label(of_case, same_names("group", of_case)) or key,
                of_case,
                None,
                len(readings.values) / rate,
                readings=readings,
            )
        )
    if not items:
        raise CPCError("no case was given. Give arrays of [time, channels].")
    return Series(items, rate=rate)


def _usable(
    file: FoundFile, columns: Columns, first: Readings | None, *, fixed: bool
) -> tuple[list[tuple[str, Readings, float]], list[Skipped]]:
    """The series of one file by key with the second at which each begins, and its cases that are skipped. Raises CPCError where nothing of
    the file can be used."""
    usable: list[tuple[str, Readings, float]] = []
    skipped: list[Skipped] = []
    series = read_series(file.path, columns)
    for number, case in enumerate(series):
        suffix = "" if len(series) == 1 else f"#{number}"
        try:
            part, begin_s = _part_of(case, file)
            check_series(part.values, part.times)
            usable.append((file.key + suffix, _alike(part, first or part, fixed=fixed), begin_s))
        except CPCError as error:
            skipped.append(skip(f"{file.path}{suffix}", str(error)))
    if not usable:  # of channels or times that all share: told once, not case by case
        raise CPCError(skipped[0].reason)
    return usable, skipped


def _part_of(case: Readings, file: FoundFile) -> tuple[Readings, float]:
    """The rows that a manifest selects, and the second at which they begin: seconds after the first row, by its times or its rate; numbers
    of rows where there is no clock. Raises CPCError where no row is selected."""
    if file.part is None:
        return case, 0.0
    rows, rate = len(case.values), case.rate or 1.0
    if case.times is None:
        begin, end = file.span(rate, rows)
    else:
        begin, end = np.searchsorted(case.times - case.times[0], file.part, side="left").tolist()
    if begin >= end:
        raise CPCError(f"from {file.part[0]:g} to {file.part[1]:g} s there is no row; it lasts {rows / rate:g} s")
    return case.rows(begin, end), begin / rate if case.times is None else float(case.times[begin] - case.times[0])


def _alike(case: Readings, first: Readings, *, fixed: bool) -> Readings:
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
    return replace(case, values=case.values[:, order], channels=first.channels)
