"""Typed names for Arrow's functions on columns of text.

A column is compact, and a function runs over all of it at once. Patterns are expressions of RE2.
"""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def stripped(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the cells without blanks around them."""
    return pc.call_function("utf8_trim_whitespace", [cells])


def lower(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the cells in lower case."""
    return pc.call_function("utf8_lower", [cells])


def filled(cells: pa.ChunkedArray, text: str = "") -> pa.ChunkedArray:
    """Return the cells, with `text` in place of absent ones."""
    return pc.call_function("coalesce", [cells, pa.scalar(text)])


def replaced(cells: pa.ChunkedArray, pattern: str, by: str) -> pa.ChunkedArray:
    """Return the cells with every match of `pattern` replaced."""
    return pc.call_function("replace_substring_regex", [cells], pc.ReplaceSubstringOptions(pattern, by))


def where(rows: np.ndarray, then: str | None, cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return `then` in the rows [bool] that are set, and the cells elsewhere."""
    return pc.call_function("if_else", [pa.array(rows), pa.scalar(then, pa.string()), cells])


def matching(cells: pa.ChunkedArray, pattern: str) -> np.ndarray:
    """Return which cells match, as bool [rows]; False for an absent cell."""
    found = pc.call_function("match_substring_regex", [cells], pc.MatchSubstringOptions(pattern))
    return pc.call_function("coalesce", [found, pa.scalar(False)]).to_numpy().astype(bool)


def among(cells: pa.ChunkedArray, texts: Sequence[str]) -> np.ndarray:
    """Return which cells are one of `texts`, as bool [rows]; True for an absent cell."""
    found = pc.call_function("is_in", [cells], pc.SetLookupOptions(pa.array(texts, pa.string())))
    return found.to_numpy().astype(bool) | ~present(cells)


def present(cells: pa.ChunkedArray) -> np.ndarray:
    """Return which cells are present, as bool [rows]."""
    return pc.call_function("is_valid", [cells]).to_numpy().astype(bool)


def groups(cells: pa.ChunkedArray, pattern: str) -> dict[str, pa.ChunkedArray]:
    """Return what the named groups of a pattern match, a column by name.

    A cell is absent where the whole pattern does not match.
    """
    found = pc.call_function("extract_regex", [cells], pc.ExtractRegexOptions(pattern))
    names = re.findall(r"\?P<(\w+)>", pattern)
    return {name: pc.call_function("struct_field", [found], pc.StructFieldOptions([n])) for n, name in enumerate(names)}


def floats(cells: pa.ChunkedArray) -> np.ndarray:
    """Return the cells as float64 [rows], NaN for an absent cell.

    Raises:
        ArrowInvalid: If a text is not a number.
    """
    return cells.cast(pa.float64()).to_numpy()
