"""Read moments in common formats, with or without a time zone.

Examples are ISO dates, 31.12.2024, 12/31/2024, 31-Dec-2024 and 23:59:59.5.
"""

import numpy as np
import pyarrow as pa

from torchcpc.data.tables import text_columns as text
from torchcpc.data.tables.values import missing

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = r"(?P<hour>\d+)(?::(?P<minute>\d{2}))?(?::(?P<second>\d{2}(?:[.,]\d+)?))? ?(?P<half>[AaPp]\.?[Mm]\.?)?"
_HOURS = _CLOCK.replace("(?::(?P<minute>\\d{2}))?", ":(?P<minute>\\d{2})")
_ZONE = r" ?(?P<zone>Z|z|UTC|GMT|[+\-]\d{2}:?(?:\d{2})?)?"
_YEAR = r"(?P<year>\d{4}|\d{2})"
_DATES = {
    "year-month-day": r"(?P<year>\d{4})[\-/.](?P<month>\d{1,2})(?:[\-/.](?P<day>\d{1,2}))?",
    "day.month.year": rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.{_YEAR}",
    "day-month-year": rf"(?P<day>\d{{1,2}})-(?P<month>\d{{1,2}})-{_YEAR}",
    "month/day/year": rf"(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/{_YEAR}",
    "day month year": rf"(?P<day>\d{{1,2}})[ \-](?P<name>[A-Za-z]{{3}})[A-Za-z]*\.?[ \-]{_YEAR}",
    "month day, year": r"(?P<name>[A-Za-z]{3})[A-Za-z]*\.? (?P<day>\d{1,2}),? (?P<year>\d{4})",
}
FORMS = {name: rf"^(?:[A-Za-z]{{2,9}},? )?{date}(?:[T ,]+{_CLOCK}{_ZONE})?$" for name, date in _DATES.items()}
FORMS["hours:minutes:seconds"] = rf"^(?:(?P<days>\d+) days?,? )?{_HOURS}$"
FORMS["yyyymmdd"] = r"^(?P<year>(?:19|20)\d{2})(?P<month>[01]\d)(?P<day>[0-3]\d)$"
# Second order to try for numeric dates that allow both.
_TURNED = {"day-month-year": "month-day-year", "month/day/year": "day/month/year"}
_DAY = 86_400.0


def seconds_of(cells: pa.ChunkedArray) -> tuple[np.ndarray, str] | None:
    """Return moments as seconds since 1970, or since midnight if they have no date.

    Args:
        cells: Cells without blanks around them.

    Returns:
        Seconds as float64 [rows], NaN where a value is missing, and the format in words. None if the cells do not all have
        one format.
    """
    known = ~missing(cells)
    for name, pattern in FORMS.items():
        if known.any() and text.matching(cells.filter(pa.array(known)), pattern).all():
            found = _moments(name, text.groups(cells, pattern))
            return found if found is None else (np.where(known, found[0], np.nan), found[1])
    return None


def _moments(name: str, fields: dict[str, pa.ChunkedArray]) -> tuple[np.ndarray, str] | None:
    clock = _clock(fields)
    if "year" not in fields:
        # A clock without a date starts again at midnight.
        nights = np.cumsum(np.diff(clock, prepend=clock[:1]) < -_DAY / 2)
        return clock + _DAY * (_integers(fields["days"]) + nights), name
    year, day = _integers(fields["year"]), np.maximum(_integers(fields["day"]), 1)
    year = np.where(year < 100, np.where(year < 70, 2000, 1900) + year, year)
    if "name" in fields:
        numbers = {name: float(number) for number, name in enumerate(_MONTHS, start=1)}
        month = np.array([numbers.get(name, 0.0) for name in text.lower(text.filled(fields["name"], "jan")).to_pylist()])
        orders = {name: (month, day)}
    else:
        month = _integers(fields["month"])
        orders = {name: (month, day)}
        if name in _TURNED:
            orders[_TURNED[name]] = (day, month)
    known = text.present(fields["year"])
    valid = {order: found for order, (m, d) in orders.items() if (found := _since_1970(year, m, d, known)) is not None}
    if not valid:
        return None
    # If both orders give dates, choose the one whose moments go forward in even steps.
    best = min(valid, key=lambda order: _unevenness((valid[order] + clock)[known]))
    return valid[best] + clock, best


def _since_1970(year: np.ndarray, month: np.ndarray, day: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    """Return the midnights in seconds, or None if a known cell is not a date."""
    year, month, day = (np.where(known, part, 1).astype(np.int64) for part in (year, month, day))
    if (month < 1).any() or (month > 12).any() or (day < 1).any():
        return None
    months = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    days = months.astype("datetime64[D]") + (day - 1)
    if (days.astype("datetime64[M]") != months).any():
        return None
    return days.astype(np.int64) * _DAY


def _clock(fields: dict[str, pa.ChunkedArray]) -> np.ndarray:
    """Return the seconds after midnight, in UTC where a zone is given."""
    if "hour" not in fields:
        return np.zeros(len(fields["year"]))
    hour, minute = _integers(fields["hour"]), _integers(fields["minute"])
    second = text.floats(text.replaced(_or_zero(fields["second"]), ",", "."))
    half, evening = text.matching(fields["half"], "."), text.matching(fields["half"], "(?i)p")
    hour = np.where(half, hour % 12 + 12 * evening, hour)
    total = 3600 * hour + 60 * minute + second
    return total - _offset(fields["zone"]) if "zone" in fields else total


def _offset(zone: pa.ChunkedArray) -> np.ndarray:
    """Return the seconds east of UTC."""
    names = {name: _seconds_east(name) for name in zone.unique().to_pylist() if name}
    return np.array([names.get(name, 0.0) for name in zone.to_pylist()]) if names else np.zeros(len(zone))


def _seconds_east(zone: str) -> float:
    if zone[0] not in "+-":
        return 0.0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (-1 if zone[0] == "-" else 1) * (3600.0 * int(digits[:2]) + 60.0 * int(digits[2:]))


def _integers(cells: pa.ChunkedArray) -> np.ndarray:
    return text.floats(_or_zero(cells))


def _or_zero(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the cells with 0 in place of empty ones."""
    return text.replaced(text.filled(cells), "^$", "0")


def _unevenness(moments: np.ndarray) -> tuple[bool, float]:
    steps = np.diff(moments)
    return (bool((steps < 0).any()), float(np.abs(steps - np.median(steps)).sum())) if len(steps) else (False, 0.0)
