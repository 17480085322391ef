"""Where the lines of a table end: words are wrapped, columns narrowed and tables cut in two, but a number or an interval stays whole."""

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len

GAP = 2
"""Spaces between two columns."""
# No column of words is wrapped to less while a narrower one would hold its words, and none at all to less than the second.
_READABLE, _NARROWEST = 14, 8
_NUMBER = r"[+-]?(?:\d[\d,]*(?:\.\d*)?(?:e[+-]?\d+)?|nan|inf)%?"
_INTERVAL = rf"{_NUMBER}(?: \({_NUMBER} to {_NUMBER}\)| to {_NUMBER})"
_GLUED = re.compile(rf"(?<![\w.]){_INTERVAL}(?!\w)")
_WHOLE = re.compile(rf"{_INTERVAL}|{_NUMBER}")
_PLAIN = re.compile(rf"{_NUMBER}|-?")
# It stands for a space in an interval. It is one column wide, and printable text has it escaped.
_SPACE = "\ufffe"


def is_number(cell: str) -> bool:
    """Whether a cell is a number, a dash or empty."""
    return _PLAIN.fullmatch(cell) is not None


def wrapped(text: str, width: int) -> list[str]:
    """Text in lines of at most `width` columns of a terminal, at least one. Words longer than a line are cut, behind "_", "-" or "/" where
    these are not near its beginning."""
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
    """How columns of cells, each with its header first, fit into `width`: side by side if at all possible, else in several blocks.

    Returns: Blocks of the table below one another, mostly one. A block is its columns by number, the first of the table always among
    them, and their widths.
    """
    needs = [_needs(column, width) for column in columns]
    made: list[list[int]] = [[0]]
    # In a table that is cut anyway, words need not be.
    stage = 0 if _total(least for least, _, _ in needs) <= width else 1
    for place in range(1, len(columns)):
        if _total(needs[each][stage] for each in (*made[-1], place)) > width and len(made[-1]) > 1:
            made.append([0])
        made[-1].append(place)
    return [(block, _narrowed([needs[place] for place in block], width)) for block in made if columns]


def padded(cell: str, width: int, *, right: bool) -> str:
    """A cell, filled with spaces up to a width in columns of a terminal."""
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
    """The least a column can do with, what it needs for its words, and for its cells. Two columns that can do with least fit."""
    most = (width - GAP) // 2
    # Longer words are cut anyway, and a width above that of the table says no more.
    cells = [cell[: 4 * width] for cell in column]
    numbers = max((cell_len(found) for cell in cells for found in _numbers(cell)), default=1)
    words = max((cell_len(piece.strip(" ")) for cell in cells for piece in _pieces(cell)), default=1)
    whole = min(max(map(cell_len, cells)), width)
    least = min(max(numbers, min(_NARROWEST, whole)), most)
    return least, min(max(least, min(words, _READABLE)), width), max(whole, 1)


def _numbers(cell: str) -> Iterable[str]:
    return [cell] if _WHOLE.fullmatch(cell) else (found[0] for found in _GLUED.finditer(cell))


def _narrowed(needs: Sequence[tuple[int, int, int]], width: int) -> list[int]:
    """The widths of columns. The widest is narrowed first, down to its words; then all, down to the least."""
    widths = [whole for _, _, whole in needs]
    for stage in (1, 0):
        while _total(widths) > width and (wide := [i for i, need in enumerate(needs) if widths[i] > need[stage]]):
            widths[max(wide, key=lambda place: widths[place])] -= 1
    return widths


def _total(widths: Iterable[int]) -> int:
    own = list(widths)
    return sum(own) + GAP * (len(own) - 1)
