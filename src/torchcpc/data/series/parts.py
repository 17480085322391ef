"""The series of files that were found: those of each file that can be used, whole or the part that a manifest selects."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from torchcpc.contracts import CPCError, Progress, Skipped
from torchcpc.data.files.found import FoundFile, skip
from torchcpc.data.series.files import read_series
from torchcpc.data.series.readings import Columns, Readings, check_series


class Part(NamedTuple):
    """A series of a file, still to be compared with others. suffix: what its key ends with; begin_s: the second of the file at which it
    begins."""

    file: FoundFile
    suffix: str
    readings: Readings
    begin_s: float


def _parts(file: FoundFile, columns: Columns) -> tuple[list[Part], list[Skipped]]:
    """The series of one file, and its cases that are skipped. Raises CPCError where nothing of the file can be used."""
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
    if not usable:  # of times that all share: told once, not case by case
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


def read_all(files: Sequence[FoundFile], columns: Columns, progress: Progress) -> tuple[list[Part], list[Skipped]]:
    """The series of all files, and the files and cases that are skipped."""
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
