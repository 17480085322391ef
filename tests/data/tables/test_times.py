"""Moments in the forms that people write, against Python's own calendar."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.tables.read import read_table

START = datetime(2024, 2, 27, 11, 58, 30)
MOMENTS = [START + n * timedelta(hours=7, minutes=13) for n in range(11)]


def seconds(moments: list[datetime]) -> list[float]:
    return [(moment - datetime(1970, 1, 1)).total_seconds() for moment in moments]


def read(folder: Path, cells: list[str]) -> tuple[np.ndarray, str] | None:
    (folder / "x.csv").write_text("when;a\n" + "".join(f"{cell};1.5\n" for cell in cells))
    return read_table(folder / "x.csv").moments("when")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("%Y-%m-%d %H:%M:%S", "year-month-day"),
        ("%Y-%m-%dT%H:%M:%SZ", "year-month-day"),
        ("%Y/%m/%d %H:%M:%S", "year-month-day"),
        ("%d.%m.%Y %H:%M:%S", "day.month.year"),
        ("%d.%m.%y, %H:%M:%S", "day.month.year"),
        ("%m/%d/%Y %H:%M:%S", "month/day/year"),
        ("%m/%d/%Y %I:%M:%S %p", "month/day/year"),
        ("%d/%m/%Y %H:%M:%S", "day/month/year"),
        ("%d-%m-%Y %H:%M:%S", "day-month-year"),
        ("%m-%d-%Y %H:%M:%S", "month-day-year"),
        ("%d-%b-%Y %H:%M:%S", "day month year"),
        ("%d %B %Y %H:%M:%S", "day month year"),
        ("%b %d, %Y %H:%M:%S", "month day, year"),
        ("%a, %d %b %Y %H:%M:%S GMT", "day month year"),
    ],
)
def test_dates_of_every_form_are_the_moments_of_the_calendar(tmp_path: Path, form: str, said: str) -> None:
    found = read(tmp_path, [moment.strftime(form) for moment in MOMENTS])
    assert found is not None and found[1] == said
    np.testing.assert_allclose(found[0], seconds(MOMENTS), rtol=0, atol=1e-6)


def test_fractions_zones_and_gaps(tmp_path: Path) -> None:
    found = read(tmp_path, ["2024-02-27 11:58:30.25", "NA", "2024-02-27T13:58:31,5+02:00", "2024-02-27T06:58:33-0500"])
    assert found is not None
    np.testing.assert_allclose(found[0], np.array([0.25, np.nan, 1.5, 3.0]) + seconds([START])[0], rtol=0, atol=1e-6)


def test_a_clock_without_a_date_goes_on_after_midnight(tmp_path: Path) -> None:
    found = read(tmp_path, [moment.strftime("%H:%M:%S") for moment in MOMENTS])
    assert found is not None and found[1] == "hours:minutes:seconds"
    np.testing.assert_allclose(np.diff(found[0]), np.diff(seconds(MOMENTS)))
    found = read(tmp_path, ["0 days 00:00:01", "1 days 02:00:00"])
    assert found is not None and found[0].tolist() == [1, 86_400 + 7_200]


@pytest.mark.parametrize(
    "cells", [["2024-02-30", "2024-03-01"], ["31/31/2024", "01/01/2024"], ["soon", "later"], ["1:2", "1:3"]]
)
def test_what_is_no_moment_is_named_with_its_line(tmp_path: Path, cells: list[str]) -> None:
    with pytest.raises(
        CPCError, match=rf"column 'when' holds times that cannot be read \(for instance '{cells[0]}' on line 2\)"
    ):
        read(tmp_path, cells)


def test_numbers_are_no_dates_unless_they_spell_them(tmp_path: Path) -> None:
    assert read(tmp_path, ["0", "1.5", "3"]) is None
    found = read(tmp_path, ["20240228", "20240229", "20240301"])
    assert found is not None and np.diff(found[0]).tolist() == [86_400, 86_400]
