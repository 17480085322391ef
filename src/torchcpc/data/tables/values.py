"""What the text of one cell means: a number, a moment, missing, or a word. The one rule for every table that people write."""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from torchcpc.data.tables import text_columns as text

# Spellings of a missing number, whatever their case.
MISSING = ("", "-", "--", "?", ".", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "nat", "none", "null", "missing")
# Spellings of a missing label, to the letter: "na" and "none" are words, and "-" is a class beside "+".
MISSING_LABELS = ("", "NaN", "nan", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaT", "None", "NULL", "null", "?")

# Regular expressions of RE2 and of Python alike. A narrow no-break space and others group thousands.
_SIGN, _EXPONENT, _BLANKS = r"[+\-−]?", r"([eE][+\-]?\d+)?", "'\u00a0\u202f "
INTEGER = rf"^{_SIGN}\d+$"
POINT = rf"^{_SIGN}(\d+\.?\d*|\.\d+){_EXPONENT}$|^{_SIGN}(inf|infinity)$"
COMMA = rf"^{_SIGN}(\d+|\d{{1,3}}([.{_BLANKS}]\d{{3}})+),\d*{_EXPONENT}$"
# 1,234,567.8, and with a point in it: what is surely no decimal comma.
THOUSANDS = rf"^{_SIGN}[1-9]\d{{0,2}}(,\d{{3}})+(\.\d*)?$"
_SURELY_POINT = rf"^{_SIGN}(\d+\.\d*|\.\d+|\d{{1,3}}(,\d{{3}})+\.\d*){_EXPONENT}$"
_POINTED_THOUSANDS = rf"^{_SIGN}\d{{1,3}}(\.\d{{3}})+$"
_CLOCK = r"\d+:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp]\.?[Mm]\.?)?"
MOMENT = "|".join(
    (
        r"^\d{4}-\d{1,2}(-\d{1,2})?([T ].*)?$",
        r"^\d{1,4}[./\-]\d{1,2}[./\-]\d{1,4}([T ,].*)?$",
        r"^\d{1,2}[ \-][A-Za-z]{3,9}\.?[ \-]\d{2,4}([T ,].*)?$",
        r"^[A-Za-z]{3,9}\.? \d{1,2},? \d{4}([T ,].*)?$",
        rf"^(\d+ days?,? )?{_CLOCK}$",
    )
)
_KINDS = {"number": re.compile(f"{POINT}|{COMMA}|{THOUSANDS}"), "moment": re.compile(MOMENT)}


def kind_of(cell: str) -> str:
    """missing, number, moment or word."""
    cell = cell.strip()
    if cell.lower() in MISSING:
        return "missing"
    return next((kind for kind, pattern in _KINDS.items() if pattern.match(cell)), "word")


def is_integer(cell: str) -> bool:
    return bool(re.match(INTEGER, cell.strip()))


def number(cell: str, *, decimal: str) -> float:
    """One cell as a number. Raises ValueError for anything else."""
    return float(cell.replace(",", ".") if decimal == "," and re.match(COMMA, cell) else cell)


def missing(cells: pa.ChunkedArray) -> np.ndarray:
    """Which cells are missing numbers: [rows] bool."""
    return text.among(text.lower(cells), MISSING)


def decimal_mark(columns: Sequence[pa.ChunkedArray], *, between_commas: bool) -> str:
    """ "," where numbers have a comma and none has a point, else ".".

    Args:
        between_commas: Whether commas delimit the fields. Then 1,234 is a thousand; elsewhere it is a number with three decimals.
    """
    with_commas = [cells.filter(pa.array(text.matching(cells, COMMA))) for cells in columns]
    if not any(map(len, with_commas)) or any(text.matching(cells, _SURELY_POINT).any() for cells in columns):
        return "."
    return "." if between_commas and all(text.matching(cells, THOUSANDS).all() for cells in with_commas) else ","


def parse(cells: pa.ChunkedArray, *, decimal: str) -> tuple[np.ndarray, np.ndarray]:
    """Numbers [rows] float64, NaN where missing, and which cells are neither: [rows] bool.

    Args:
        cells: Without blanks around them. True and False are 1 and 0.
        decimal: "." or ",".
    """
    is_missing = missing(cells)
    if decimal == ".":
        try:  # what programs write, several times faster
            return text.floats(text.where(is_missing, None, cells)), np.zeros(len(cells), bool)
        except pa.ArrowInvalid:
            pass
    cells = text.replaced(text.replaced(cells, "^(?i)true$", "1"), "^(?i)false$", "0")
    if decimal == ",":
        odd = ~np.any([text.matching(cells, pattern) for pattern in (COMMA, INTEGER, _POINTED_THOUSANDS)], axis=0)
        cells = text.replaced(text.replaced(cells, f"[.{_BLANKS}]", ""), ",", ".")
    else:
        odd = ~(text.matching(cells, f"(?i){POINT}") | text.matching(cells, THOUSANDS))
        cells = text.replaced(cells, ",", "")
    odd &= ~is_missing
    cells = text.replaced(text.replaced(cells, "−", "-"), r"^\+", "")
    return text.floats(text.where(odd | is_missing, None, cells)), odd
