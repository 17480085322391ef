"""A table of text, padded for a terminal or marked up for a page: the one way in which numbers are laid out."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest

from torchcpc.contracts import printable, printable_lines

WIDTH = 100
# A column of words is not wrapped to less than this.
_NARROWEST = 14


@dataclass(frozen=True, slots=True)
class TextTable:
    """Cells are texts, whose control characters are escaped; columns of numbers are right-aligned. caption: sentences above the table.
    notes: lines below it."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    notes: Sequence[str] = ()

    def text(self, width: int = WIDTH) -> str:
        """The table, no line longer than `width`: words are wrapped where it would be."""
        rows = [[printable(cell) for cell in row] for row in self.rows]
        cells = [[printable(cell) for cell in self.header], *rows] if self.header else rows
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)] if cells else []
        while sum(widths) + 2 * (len(widths) - 1) > width and max(widths) > _NARROWEST:
            widths[widths.index(max(widths))] -= 1
        numeric = [_numeric([row[place] for row in rows]) for place in range(len(widths))]
        lines = [line for row in cells for line in _wrapped(row, widths, numeric)]
        notes = [line for note in self.notes for line in _filled(note, width)]
        return "\n".join([*_filled(self.caption, width), *lines, *notes])

    def markdown(self) -> str:
        """The same as a table of GitHub's Markdown."""
        lines = [self.header, ["---"] * len(self.header), *self.rows] if self.header else []
        table = "\n".join(f"| {' | '.join(map(_markdown, line))} |" for line in lines)
        return "\n\n".join(part for part in (printable_lines(self.caption).strip(), table, *map(printable, self.notes)) if part)

    def html(self) -> str:
        """The same as an HTML table; the cells of a column in which none is a word have the class "n"."""
        words = [any(cell[:1].isalpha() and cell != "nan" for cell in column) for column in zip(*self.rows, strict=True)]
        look = ["" if word else ' class="n"' for word in words] or [""] * len(self.header)
        head = "".join(f"<th{own}>{_html(name)}</th>" for own, name in zip(look, self.header, strict=False))
        body = (zip(look, row, strict=True) for row in self.rows)
        rows = "".join("<tr>" + "".join(f"<td{own}>{_html(cell)}</td>" for own, cell in row) + "</tr>" for row in body)
        # A new line of ours stays one, as in a terminal.
        above = "\n".join(map(_html, self.caption.split("\n")))
        below = "".join(f"<p>{_html(note)}</p>" for note in self.notes)
        return f"<table><caption>{above}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{below}"


def _markdown(cell: str) -> str:
    return printable(cell).replace("|", "\\|")


def _html(text: str) -> str:
    return escape(printable(text))


def _wrapped(row: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> list[str]:
    parts = [textwrap.wrap(cell, max(width, 1)) or [""] for cell, width in zip(row, widths, strict=True)]
    aligned = [str.rjust if right else str.ljust for right in numeric]
    lines = (zip(aligned, line, widths, strict=True) for line in zip_longest(*parts, fillvalue=""))
    return ["  ".join(pad(cell, width) for pad, cell, width in line).rstrip() for line in lines]


def _filled(text: str, width: int) -> list[str]:
    return [
        line
        for part in (text.rstrip("\n").split("\n") if text else ())
        for line in textwrap.wrap(printable(part), width) or [""]
    ]


def _numeric(cells: Sequence[str]) -> bool:
    """Whether a column holds numbers, dashes and nothing else."""
    known = [cell for cell in cells if cell not in ("", "-")]
    return bool(known) and all(cell.lstrip("+-").replace(".", "", 1).replace(",", "").isdigit() for cell in known)
