"""A table of text, padded for a terminal or marked up for a page.

All numbers that users see are laid out here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import zip_longest

from torchcpc.contracts import printable, printable_lines
from torchcpc.text_table.columns import GAP, blocks, is_number, padded, wrapped

WIDTH = 100


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of text cells.

    Control characters in cells are escaped. A column of numbers is aligned to the right.

    Attributes:
        header: The name of each column.
        rows: The cells of each row.
        caption: Sentences above the table.
        notes: Lines below the table.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    notes: Sequence[str] = ()

    def text(self, width: int = WIDTH) -> str:
        """Return the table for a terminal.

        Words are wrapped, and numbers and intervals stay whole. A table that is still too wide continues below, where
        its first column is repeated.

        Args:
            width: The largest width of a line, in terminal columns. Default: 100.
        """
        rows = [[printable(cell) for cell in row] for row in self.rows]
        cells = [[printable(cell) for cell in self.header], *rows] if self.header else rows
        right = [_numeric(column) for column in zip(*rows, strict=True)] or [False] * len(self.header)
        parts = [
            "\n".join(line for row in cells for line in _laid_out(row, places, widths, right))
            for places, widths in blocks(list(zip(*cells, strict=True)), width)
        ]
        notes = [line for note in self.notes for line in _filled(note, width)]
        return "\n".join([*_filled(self.caption, width), *(["\n\n".join(parts)] if parts else []), *notes])

    def markdown(self) -> str:
        """Return the table in GitHub's Markdown."""
        lines = [self.header, ["---"] * len(self.header), *self.rows] if self.header else []
        table = "\n".join(f"| {' | '.join(map(_markdown, line))} |" for line in lines)
        return "\n\n".join(part for part in (printable_lines(self.caption).strip(), table, *map(printable, self.notes)) if part)

    def html(self) -> str:
        """Return the table as HTML.

        Cells have the class "n" if no cell of their column is a word.
        """
        words = [any(cell[:1].isalpha() and cell != "nan" for cell in column) for column in zip(*self.rows, strict=True)]
        look = ["" if word else ' class="n"' for word in words] or [""] * len(self.header)
        head = "".join(f"<th{own}>{_html(name)}</th>" for own, name in zip(look, self.header, strict=False))
        body = (zip(look, row, strict=True) for row in self.rows)
        rows = "".join("<tr>" + "".join(f"<td{own}>{_html(cell)}</td>" for own, cell in row) + "</tr>" for row in body)
        # Line breaks of the caption are kept, as in a terminal.
        above = "\n".join(map(_html, self.caption.split("\n")))
        below = "".join(f"<p>{_html(note)}</p>" for note in self.notes)
        return f"<table><caption>{above}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{below}"


def _markdown(cell: str) -> str:
    return printable(cell).replace("|", "\\|")


def _html(text: str) -> str:
    return escape(printable(text))


def _laid_out(row: Sequence[str], places: Sequence[int], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    parts = [wrapped(row[place], width) for place, width in zip(places, widths, strict=True)]
    lines = (zip(places, line, widths, strict=True) for line in zip_longest(*parts, fillvalue=""))
    gap = " " * GAP
    return [gap.join(padded(cell, width, right=right[place]) for place, cell, width in line).rstrip() for line in lines]


def _filled(text: str, width: int) -> list[str]:
    return [line for part in (text.rstrip("\n").split("\n") if text else ()) for line in wrapped(printable(part), width)]


def _numeric(cells: Sequence[str]) -> bool:
    """Return whether a column holds only numbers and dashes."""
    return any(cell not in ("", "-") for cell in cells) and all(map(is_number, cells))


def distinct(tables: Iterable[TextTable]) -> list[TextTable]:
    """Drop repeated rows from a list of tables.

    A table may have the header and the rows of an earlier one. Then only its caption and notes are kept, and a line
    names the earlier table.

    Args:
        tables: The tables in the order in which they are shown.

    Returns:
        As many tables, in the same order.
    """
    known: dict[tuple[object, ...], int] = {}
    shown: list[TextTable] = []
    for number, table in enumerate(tables, start=1):
        content = (tuple(table.header), *map(tuple, table.rows))
        first = known.setdefault(content, number) if table.rows else number
        where = "the table above" if first == number - 1 else f"table {first}"
        same = f"{table.caption}\nIts rows are those of {where}.".lstrip("\n")
        shown.append(table if first == number else replace(table, header=(), rows=(), caption=same))
    return shown
