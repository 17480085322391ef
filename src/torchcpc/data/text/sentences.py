"""One text in pieces: sentences by the rules of sentencex, lines, or phrases. Nothing is lost: the pieces joined are the text."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

# Longer than the lines of any page: a paragraph on a line of its own.
_LONGEST_WRAPPED = 120
# Lines looked at to tell how a file is laid out.
_SAMPLE = 2_000
# Blanks of the same length, so that places stay what they are. Apostrophes are among them: within a word they change no boundary.
_QUOTES = tuple("\"“”„«»'‘’‚")
# A line that begins with a dash or a number is a list to sentencex, of which it makes one sentence however long it is. So a dash becomes
# a comma, which ends no sentence either, and a line end within a paragraph a blank.
_UNQUOTED = str.maketrans({**dict.fromkeys([*_QUOTES, "\n", "\r"], " "), **dict.fromkeys("-–—*•", ",")})
_LINE_END = re.compile(r"\n")
# A mark that ends a word, a dash, a sign of a script without blanks, with what closes and the blanks behind it; or a paragraph's end.
_PHRASE_END = re.compile(
    r"""[.,;:!?…)\]]+["'”’»)\]]*(?:\s+|$)|(?:--+|[–—、。，；：！？]+)["'”’»]*\s*"""
    r"""|\n[ \t\r]*\n\s*"""
)
_PARAGRAPH_END = re.compile(r"\n[ \t\r]*\n\s*")
# A heading is a line of its own such as "Chapter 12", "BOOK THE FIRST", "XIV." or "VOLUME II".
_NUMBER = r"(?:\d+|[ivxlc]+|(?:the\s+)?(?:first|second|third|last|\w+th)|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_HEADING = re.compile(rf"(?i)^\W*(?:(?:chapter|book|part|volume|letter|stave)\s+{_NUMBER}\b|[ivxlc]+\.?\s*$)")
_LONGEST_HEADING = 60


def prose(text: str, language: str) -> Iterator[str]:
    """Sentences of running text, of which none goes beyond its paragraph. A paragraph ends at a blank line, and where lines are not wrapped
    to a width also at the end of its line. What is quoted is split like the rest: sentencex keeps a quotation whole, which in a novel may
    be a speech of two thousand words."""
    from sentencex import get_sentence_boundaries  # pyright: ignore[reportAttributeAccessIssue]

    for paragraph in _after(text, _PARAGRAPH_END if wrapped(text) else _LINE_END):
        bounds = get_sentence_boundaries(language, paragraph.translate(_UNQUOTED))
        begins = [_with_quote(paragraph, bound["start_index"]) for bound in bounds]
        begins[:1] = [0]
        for begin, end in zip(begins, [*begins[1:], len(paragraph)], strict=True):
            yield paragraph[begin:end]


def lines(text: str, language: str) -> Iterator[str]:
    """One sentence a line; blank lines come as pieces without text."""
    return _after(text, _LINE_END)


def phrases(text: str, language: str) -> Iterator[str]:
    """From one punctuation mark to the next: a few words that belong together. Signs within a word or a number end none."""
    return _after(text, _PHRASE_END)


SPLITTINGS: dict[str, Callable[[str, str], Iterator[str]]] = {"prose": prose, "lines": lines, "phrases": phrases}


def wrapped(text: str) -> bool:
    """Whether the lines are filled up to a width, as on a page: most of them end where the next word would not have fitted. A list of
    sentences or of paragraphs, one a line, is not: its lines end anywhere, or go beyond any page."""
    rows = [row.rstrip() for row in text.split("\n")[:_SAMPLE]]
    width = max(map(len, rows))
    pairs = [(row, following.split(None, 1)[0]) for row, following in pairwise(rows) if row and following.strip()]
    if width > _LONGEST_WRAPPED or not pairs:
        return False
    # A tenth of the width is left for words that were broken, hyphenated or moved by an editor.
    full = sum(len(row) + 1 + len(word) > 0.9 * width for row, word in pairs)
    return full > 0.7 * len(pairs)


def is_heading(sentence: str) -> bool:
    """Whether a sentence is the heading of a chapter."""
    return len(sentence) <= _LONGEST_HEADING and bool(_HEADING.match(sentence))


def _with_quote(text: str, begin: int) -> int:
    """Where a sentence begins, moved before the quotation mark that opens it."""
    opened = text[begin - 1 : begin] in _QUOTES and text[begin - 2 : begin - 1].isspace()
    return begin - 1 if begin > 1 and opened else begin


def _after(text: str, end: re.Pattern[str]) -> Iterator[str]:
    """The text cut after every match of `end`."""
    begin = 0
    for match in end.finditer(text):
        yield text[begin : match.end()]
        begin = match.end()
    if begin < len(text):
        yield text[begin:]
