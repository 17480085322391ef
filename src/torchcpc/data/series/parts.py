"""Read the usable series of all files, whole or in the parts that a manifest selects."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from torchcpc.contracts import CPCError, Progress, Skipped
from torchcpc.data.files.found import FoundFile, skip
from torchcpc.data.series.files import read_series
from torchcpc.data.series.readings import Columns, Readings, check_series


class Part(NamedTuple):
    """A series of a file, not yet compared with others.

    Attributes:
        file: The file.
        suffix: End of its key.
        readings: The series.
        begin_s: Second of the file at which it begins.
    """

    file: FoundFile
    suffix: str
    readings: Readings
    begin_s: float


def _parts(file: FoundFile, columns: Columns) -> tuple[list[Part], list[Skipped]]:
    """Return the usable series of one file, and its skipped cases.

    Raises:
        CPCError: If nothing in the file can be used.
    """
    usable: list[Part] = []
    skipped: list[Skipped] = []
    series = read_series(file.path, columns)
    for number, case in enumerate(series):
        suffix = "" if len(series) == 1 else f"#{number}"
        try:
            rows, begin_s = _part_of(case, file)
            check_series(rows.values, rows.times)
            usable.append(Part(file, suffix, rows, begin_s))
        except CPCError as error:
            skipped.append(skip(f"{file.path}{suffix}", str(error)))
    if not usable:  # a fault of shared times is reported once, not for every case
        raise CPCError(skipped[0].reason)
    return usable, skipped


def _part_of(case: Readings, file: FoundFile) -> tuple[Readings, float]:
    """Return the rows that a manifest selects, and the second at which they begin.

    Seconds count from the first row, by its times or its rate. Without a clock they are numbers of rows.

    Raises:
        CPCError: If no row is selected.
    """
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


def read_all(files: Sequence[FoundFile], columns: Columns, progress: Progress) -> tuple[list[Part], list[Skipped]]:
    """Read the series of all files.

    Args:
        files: The files.
        columns: Meaning of their columns.
        progress: Called as files are read.

    Returns:
        The series, and the skipped files and cases.
    """
    found: list[Part] = []
    skipped: list[Skipped] = []
    for done, file in enumerate(files):
        progress(done, len(files))
        try:
            of_file, faulty = _parts(file, columns)
        except CPCError as error:
            of_file, faulty = [], [skip(file.path, str(error))]
        found += of_file
        skipped += faulty
    return found, skipped
