"""Sensor series as sources, in memory as float64.

Each recording is a source, and a position is a row of channels. Nothing is filled in or resampled. A missing value is NaN,
and an encoder for sensors turns it into a mask. A gap in time is a gap in `times`, without invented rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Self, final

import numpy as np
from annotated_types import Ge, Le

from torchcpc.contracts import CPCError, Item, NotNegative, Progress, Skipped, silent
from torchcpc.data.files.find import find
from torchcpc.data.files.found import FileKind, group_of, skip
from torchcpc.data.labels import label_notes
from torchcpc.data.names import first_label, same_names
from torchcpc.data.series.alike import alike, usual_of
from torchcpc.data.series.arrays import rows_of
from torchcpc.data.series.files import FILES
from torchcpc.data.series.parts import read_all
from torchcpc.data.series.readings import Columns, Readings, check_series, doubts
from torchcpc.data.sources import SourceList, nothing_usable

SENSORS = FileKind("series", tuple(FILES), in_parts=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesItem(Item):
    """One series with its values.

    Attributes:
        readings: The values.
    """

    readings: Readings = field(compare=False, repr=False)


@final
class Series(SourceList[SeriesItem]):
    """Sources that are sensor series with the same channels; a position is a row.

    Implements `contracts.Sources`.

    Args:
        items: Usable series.
        rate: Rows per second, in Hz. 1 if there is no clock.
        skipped: Files and cases that are skipped, each with its reason.
        notes: Remarks about the series that are read.
        gain: Strength of the variation of training windows, see `stretched`. 0 for none.
    """

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
        """Return the rows of series `index`."""
        return len(self.items[index].readings.values)

    def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Read rows start .. start+count of a series.

        Args:
            index: Number of the series.
            start: First row.
            count: Number of rows.
            rng: Source of randomness for a training window, which varies with `gain`.

        Returns:
            Values as float64 [count, channels], NaN where missing.
        """
        x_SF = self.items[index].readings.values[start : start + count]
        return stretched(x_SF, self.gain, rng) if rng is not None and self.gain else x_SF

    def divided(self, index: int, starts: Sequence[int]) -> Self:
        """Return the same series with one of them cut into stretches.

        The key of a stretch ends with its first and last row.

        Args:
            index: Number of the series to cut.
            starts: First row of each stretch. A stretch reaches to the next.
        """
        item, ends = self.items[index], [*starts[1:], self.length(index)]
        times = self.times(index) - self.times(index)[0]
        stretches = [
            replace(
                item,
                key=f"{item.key}@{start}-{end}",
                seconds=(end - start) / self.rate,
                part_of=item.part_of or item.key,
                begin_s=item.begin_s + float(times[start]),
                readings=item.readings.rows(start, end),
            )
            for start, end in zip(starts, ends, strict=True)
        ]
        return self.replaced(index, stretches)

    def times(self, index: int) -> np.ndarray:
        """Return the seconds of every row, float64 [S].

        They are as stored, dates since 1970. Without times in the file, they follow from the rate.

        Args:
            index: Number of the series.
        """
        times = self.items[index].readings.times
        return np.arange(self.length(index)) / self.rate if times is None else times

    def row_label_columns(self) -> list[str]:
        """Return the columns of row labels that some series has."""
        return list(dict.fromkeys(column for item in self.items for column in item.readings.row_labels))

    def row_labels(self, index: int, column: str) -> np.ndarray | None:
        """Return the labels of every row in a column, [S], or None if the file has no such column.

        Args:
            index: Number of the series.
            column: Name of the column.
        """
        return self.items[index].readings.row_labels.get(column)


def scan_series(
    roots: Sequence[str | Path],
    cache: Path | None = None,
    progress: Progress = silent,
    *,
    rate: NotNegative = 0.0,
    time: str = "",
    channels: Sequence[str] = (),
    row_labels: Sequence[str] = (),
    array: str = "",
    group: str = "",
    gain: Annotated[float, Ge(0), Le(10)] = 0.0,
) -> Series:
    """Find all usable series.

    All have the channels and the rate of most files. Other files are listed in `.skipped`, each with its reason. Single
    cases (`a.npz#1`) of a file may also be skipped.

    Args:
        roots: Folders, manifests or single files.
        cache: Not used.
        progress: Called as files are read.
        rate: Rows per second, 0 for what the files or their times say.
        time: Column of times. Empty for one of a usual name.
        channels: Columns to read, in this order. Empty for all others.
        row_labels: Columns that label rows and are never input.
        array: Name of the array in an npz file. Empty for the only one.
        group: Label column that names the group (patient, machine) of a source. Empty for its folder.
        gain: Training stretches each channel of a window by exp of uniform(-gain, gain), for sensors that differ in
            amplitude.

    Returns:
        The usable series.

    Raises:
        CPCError: If a root cannot be used, or no series can.
    """
    if not (0 <= rate < float("inf") and 0 <= gain < float("inf")):
        raise CPCError(f"data.rate = {rate}, data.gain = {gain}: numbers of 0 or above.")
    files, skipped, notes = find(roots, replace(SENSORS, group_columns=(group,)) if group else SENSORS)
    columns = Columns(time, tuple(channels), tuple(row_labels), array)
    found, faulty = read_all(files, columns, progress)
    skipped += faulty
    # Each file has one vote, however many cases it holds.
    first = {part.file.path: part.readings for part in reversed(found)}
    usual, fixed = usual_of([*first.values()][::-1]), bool(rate)
    rate = rate or usual.rate or 1.0
    items: list[SeriesItem] = []
    unlike: dict[Path, list[Skipped]] = {}
    for file, suffix, readings, begin_s in found:
        try:
            readings = alike(readings, usual, fixed=fixed)
        except CPCError as error:
            unlike.setdefault(file.path, []).append(skip(f"{file.path}{suffix}", str(error)))
            continue
        notes += [skip(file.path, note) for note in (*readings.notes, *doubts(readings))]
        seconds, origin = len(readings.values) / rate, (file.part_of, begin_s, file.root)
        items.append(
            SeriesItem(file.key + suffix, group_of(file, group), file.labels, file.path, seconds, *origin, readings=readings)
        )
    used = {item.path for item in items}
    # A fault that all cases of a file share is reported once.
    for path, own in unlike.items():
        skipped += own if path in used else [skip(path, own[0].reason)]
    if not items:
        raise nothing_usable(skipped, "files", "series")
    return Series(items, rate=rate, skipped=skipped, notes=[*dict.fromkeys(notes), *label_notes(items)], gain=gain)


def stretched(x_SF: np.ndarray, gain: float, rng: np.random.Generator) -> np.ndarray:
    """Stretch each channel about the mean of its observed values, each by its own random factor.

    Args:
        x_SF: Values, [S, channels], NaN where missing.
        gain: The factor is exp of uniform(-gain, gain).
        rng: Source of randomness.
    """
    seen_SF = np.isfinite(x_SF)
    mean_F = np.where(seen_SF, x_SF, 0).sum(axis=0) / np.maximum(seen_SF.sum(axis=0), 1)
    factor_F = np.exp(rng.uniform(-gain, gain, size=x_SF.shape[1]))
    return mean_F + (x_SF - mean_F) * factor_F


def cases(
    arrays: Sequence[np.ndarray] | np.ndarray,
    *,
    labels: Mapping[str, Sequence[object]] | None = None,
    channels: Sequence[str] = (),
    rate: float = 1.0,
) -> Series:
    """Make sources of arrays in memory.

    NaN means missing. NaN rows at the end of a case are padding.

    Args:
        arrays: [cases, time, channels], [cases, time], or a list of arrays of any lengths.
        labels: One value per case by column. `group` names groups, `split` the training and test cases.
        channels: Names of the channels.
        rate: Rows per second, in Hz.

    Raises:
        CPCError: If arrays differ in channels, hold infinity or no real numbers, or have no observed value.
    """
    given = list(arrays)
    columns = {name: [str(value) for value in values] for name, values in (labels or {}).items()}
    if short := [name for name, values in columns.items() if len(values) != len(given)]:
        raise CPCError(f"labels {short[0]!r}: {len(columns[short[0]])} values for {len(given)} cases. Give one per case.")
    items: list[SeriesItem] = []
    for number, array in enumerate(given):
        key, of_case = f"case-{number:06d}", {name: values[number] for name, values in columns.items()}
        try:
            values = rows_of(array)
            check_series(values)
            names = tuple(channels) or tuple(str(n) for n in range(values.shape[1]))
            case = Readings(values, names).trimmed()
            readings = alike(case, items[0].readings if items else case, fixed=True)
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
