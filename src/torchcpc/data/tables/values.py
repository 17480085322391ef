"""Interpret the text of a cell as a number, a moment, a missing value or a word.

This is the one rule for every table that people write.
"""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from torchcpc.data.tables import text_columns as text

# Spellings of a missing number, in any case.
MISSING = ("", "-", "--", "?", ".", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "nat", "none", "null", "missing")
# Exact spellings of a missing label: "na" and "none" are words, and "-" is a class next to "+".
MISSING_LABELS = ("", "NaN", "nan", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaT", "None", "NULL", "null", "?")

# The regular expressions work in RE2 and in Python. A narrow no-break space and other characters group thousands.
_SIGN, _EXPONENT, _BLANKS = r"[+\-−]?", r"([eE][+\-]?\d+)?", "'\u00a0\u202f "
INTEGER = rf"^{_SIGN}\d+$"
POINT = rf"^{_SIGN}(\d+\.?\d*|\.\d+){_EXPONENT}$|^{_SIGN}(inf|infinity)$"
COMMA = rf"^{_SIGN}(\d+|\d{{1,3}}([.{_BLANKS}]\d{{3}})+),\d*{_EXPONENT}$"
# 1,234,567.8. A number with a point certainly has no decimal comma.
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
    """Return the kind of a cell: "missing", "number", "moment" or "word".

    Args:
        cell: Text of the cell.
    """
    cell = cell.strip()
    if cell.lower() in MISSING:
        return "missing"
    return next((kind for kind, pattern in _KINDS.items() if pattern.match(cell)), "word")


def is_integer(cell: str) -> bool:
    """Return whether a cell is a whole number.

    Args:
        cell: Text of the cell.
    """
    return bool(re.match(INTEGER, cell.strip()))


def number(cell: str, *, decimal: str) -> float:
    """Return one cell as a number.

    Args:
        cell: Text of the cell.
        decimal: Decimal mark, "." or ",".

    Raises:
        ValueError: If it is not a number.
    """
    return float(cell.replace(",", ".") if decimal == "," and re.match(COMMA, cell) else cell)


def missing(cells: pa.ChunkedArray) -> np.ndarray:
    """Return which cells are missing numbers, as bool [rows].

    Args:
        cells: The column.
    """
    return text.among(text.lower(cells), MISSING)


def decimal_mark(columns: Sequence[pa.ChunkedArray], *, between_commas: bool) -> str:
    """Return the decimal mark: "," if some number has a comma and none has a point, otherwise ".".

    Args:
        columns: Columns of text.
        between_commas: Whether commas delimit the fields. Then 1,234 is a thousand; otherwise it has three decimals.
    """
    with_commas = [cells.filter(pa.array(text.matching(cells, COMMA))) for cells in columns]
    if not any(map(len, with_commas)) or any(text.matching(cells, _SURELY_POINT).any() for cells in columns):
        return "."
    return "." if between_commas and all(text.matching(cells, THOUSANDS).all() for cells in with_commas) else ","


def parse(cells: pa.ChunkedArray, *, decimal: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a column of text as numbers.

    Args:
        cells: Cells without blanks around them. True and False are 1 and 0.
        decimal: Decimal mark, "." or ",".

    Returns:
        Numbers as float64 [rows], NaN where missing, and a bool [rows] that marks the cells that are neither.
    """
    is_missing = missing(cells)
    if decimal == ".":
        try:  # the spelling of programs is parsed several times faster
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
