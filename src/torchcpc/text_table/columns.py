"""The layout of a table's columns within a given width.

Words are wrapped, columns are narrowed, and a table that is still too wide is cut in two. A number or an interval is
never broken.
"""

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len

GAP = 2
"""Spaces between two columns."""
# Words are not wrapped below the first width if a narrower column would hold them. No column is narrowed below the second.
_READABLE, _NARROWEST = 14, 8
_NUMBER = r"[+-]?(?:\d[\d,]*(?:\.\d*)?(?:e[+-]?\d+)?|nan|inf)%?"
_INTERVAL = rf"{_NUMBER}(?: \({_NUMBER} to {_NUMBER}\)| to {_NUMBER})"
_GLUED = re.compile(rf"(?<![\w.]){_INTERVAL}(?!\w)")
_WHOLE = re.compile(rf"{_INTERVAL}|{_NUMBER}")
_PLAIN = re.compile(rf"{_NUMBER}|-?")
# It replaces the spaces of an interval, so that no line ends there. It is one column wide, and printable text never contains it.
_SPACE = "\ufffe"


def is_number(cell: str) -> bool:
    """Return whether a cell is a number, a dash or empty."""
    return _PLAIN.fullmatch(cell) is not None


def wrapped(text: str, width: int) -> list[str]:
    """Wrap a text to lines of a given width.

    A word that is longer than a line is cut. The cut follows a "_", "-" or "/" if there is one late enough in the
    line.

    Args:
        text: The text.
        width: The largest width of a line, in terminal columns.

    Returns:
        The lines. There is at least one.
    """
    lines = [""]
    for piece in _pieces(text):
        if lines[-1] and cell_len(lines[-1] + piece) > width:
            lines.append("")
        piece = piece if lines == [""] else piece.lstrip(" ") if not lines[-1] else piece
        while cell_len(piece) > width:
            end = _cut(piece, width)
            lines[-1:] = [piece[:end], ""]
            piece = piece[end:]
        lines[-1] += piece
    return [line.replace(_SPACE, " ").rstrip() for line in lines]


def blocks(columns: Sequence[Sequence[str]], width: int) -> list[tuple[list[int], list[int]]]:
    """Choose how the columns of a table fit into a width.

    All columns stand side by side if that is possible. If not, the table is cut into several blocks.

    Args:
        columns: The cells of each column. The header is the first cell.
        width: The width of the table, in terminal columns.

    Returns:
        The blocks from top to bottom, usually one. Each has the numbers of its columns and their widths. Every block
            repeats column 0.
    """
    needs = [_needs(column, width) for column in columns]
    made: list[list[int]] = [[0]]
    # If the table is cut into blocks anyway, no word has to be cut.
    stage = 0 if _total(least for least, _, _ in needs) <= width else 1
    for place in range(1, len(columns)):
        if _total(needs[each][stage] for each in (*made[-1], place)) > width and len(made[-1]) > 1:
            made.append([0])
        made[-1].append(place)
    return [(block, _narrowed([needs[place] for place in block], width)) for block in made if columns]


def padded(cell: str, width: int, *, right: bool) -> str:
    """Return a cell, padded with spaces to `width` terminal columns."""
    space = " " * max(width - cell_len(cell), 0)
    return space + cell if right else cell + space


def _pieces(text: str) -> list[str]:
    return re.findall(r" *[^ ]+", _GLUED.sub(lambda found: found[0].replace(" ", _SPACE), text))


def _cut(piece: str, width: int) -> int:
    end = 1
    while cell_len(piece[: end + 1]) <= width:
        end += 1
    return next((place for place in range(end, end // 4, -1) if piece[place - 1] in "_-/"), end)


def _needs(column: Sequence[str], width: int) -> tuple[int, int, int]:
    """Return three widths of a column: the smallest possible, enough for its words, and enough for whole cells.

    Two columns of the smallest width always fit side by side.
    """
    most = (width - GAP) // 2
    # A longer word is cut anyway, and no column is wider than the table.
    cells = [cell[: 4 * width] for cell in column]
    numbers = max((cell_len(found) for cell in cells for found in _numbers(cell)), default=1)
    words = max((cell_len(piece.strip(" ")) for cell in cells for piece in _pieces(cell)), default=1)
    whole = min(max(map(cell_len, cells)), width)
    least = min(max(numbers, min(_NARROWEST, whole)), most)
    return least, min(max(least, min(words, _READABLE)), width), max(whole, 1)


def _numbers(cell: str) -> Iterable[str]:
    return [cell] if _WHOLE.fullmatch(cell) else (found[0] for found in _GLUED.finditer(cell))


def _narrowed(needs: Sequence[tuple[int, int, int]], width: int) -> list[int]:
    """Return the widths of columns that fit into `width`.

    The widest column is narrowed first. Columns keep room for whole words as long as possible.
    """
    widths = [whole for _, _, whole in needs]
    for stage in (1, 0):
        while _total(widths) > width and (wide := [i for i, need in enumerate(needs) if widths[i] > need[stage]]):
            widths[max(wide, key=lambda place: widths[place])] -= 1
    return widths


def _total(widths: Iterable[int]) -> int:
    own = list(widths)
    return sum(own) + GAP * (len(own) - 1)
