"""Arrow's functions on columns of text by typed names: a column is compact, and a function runs over all of it at once."""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def stripped(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """The cells without blanks around them."""
    return pc.call_function("utf8_trim_whitespace", [cells])


def lower(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.call_function("utf8_lower", [cells])


def filled(cells: pa.ChunkedArray, text: str = "") -> pa.ChunkedArray:
    """The cells, with `text` for those that are not there."""
    return pc.call_function("coalesce", [cells, pa.scalar(text)])


def replaced(cells: pa.ChunkedArray, pattern: str, by: str) -> pa.ChunkedArray:
    """The cells with every match of an expression of RE2 replaced."""
    return pc.call_function("replace_substring_regex", [cells], pc.ReplaceSubstringOptions(pattern, by))


def where(rows: np.ndarray, then: str | None, cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """`then` in the rows [bool] that are set, else the cells."""
    return pc.call_function("if_else", [pa.array(rows), pa.scalar(then, pa.string()), cells])


def matching(cells: pa.ChunkedArray, pattern: str) -> np.ndarray:
    """Which cells match: [rows] bool, False where there is no cell."""
    found = pc.call_function("match_substring_regex", [cells], pc.MatchSubstringOptions(pattern))
    return pc.call_function("coalesce", [found, pa.scalar(False)]).to_numpy().astype(bool)


def among(cells: pa.ChunkedArray, texts: Sequence[str]) -> np.ndarray:
    """Which cells are one of these: [rows] bool, True where there is no cell."""
    found = pc.call_function("is_in", [cells], pc.SetLookupOptions(pa.array(texts, pa.string())))
    return found.to_numpy().astype(bool) | ~present(cells)


def present(cells: pa.ChunkedArray) -> np.ndarray:
    """Where there is a cell: [rows] bool."""
    return pc.call_function("is_valid", [cells]).to_numpy().astype(bool)


def groups(cells: pa.ChunkedArray, pattern: str) -> dict[str, pa.ChunkedArray]:
    """What the named groups of an expression of RE2 match, by name: a column each, without a cell where the whole does not match."""
    found = pc.call_function("extract_regex", [cells], pc.ExtractRegexOptions(pattern))
    names = re.findall(r"\?P<(\w+)>", pattern)
    return {name: pc.call_function("struct_field", [found], pc.StructFieldOptions([n])) for n, name in enumerate(names)}


def floats(cells: pa.ChunkedArray) -> np.ndarray:
    """[rows] float64, NaN where there is no cell. Raises ArrowInvalid for text that is no number."""
    return cells.cast(pa.float64()).to_numpy()
