"""Split a text into sentences by the rules of sentencex, into lines, or into phrases.

Nothing is lost: the joined pieces are the text.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

# Longest line of a page. A longer line is a paragraph.
_LONGEST_WRAPPED = 120
# Lines from which the layout of a file is determined.
_SAMPLE = 2_000
# Quotes become blanks of the same length, so that positions stay valid. Apostrophes are among them: inside a word they
# change no boundary.
_QUOTES = tuple("\"“”„«»'‘’‚")
# sentencex takes a line that begins with a dash or a number for a list, and makes one sentence of it, however long. So a
# dash becomes a comma, which also ends no sentence. A line end within a paragraph becomes a blank.
_UNQUOTED = str.maketrans({**dict.fromkeys([*_QUOTES, "\n", "\r"], " "), **dict.fromkeys("-–—*•", ",")})
_LINE_END = re.compile(r"\n")
# The end of a phrase: a mark that ends a word, a dash, or a sign of a script without blanks. Closing signs and blanks after
# it belong to it. The end of a paragraph also ends a phrase.
_PHRASE_END = re.compile(
    r"""[.,;:!?…)\]]+["'”’»)\]]*(?:\s+|$)|(?:--+|[–—、。，；：！？]+)["'”’»]*\s*"""
    r"""|\n[ \t\r]*\n\s*"""
)
_PARAGRAPH_END = re.compile(r"\n[ \t\r]*\n\s*")
# A heading is a line such as "Chapter 12", "BOOK THE FIRST", "XIV." or "VOLUME II".
_NUMBER = r"(?:\d+|[ivxlc]+|(?:the\s+)?(?:first|second|third|last|\w+th)|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_HEADING = re.compile(rf"(?i)^\W*(?:(?:chapter|book|part|volume|letter|stave)\s+{_NUMBER}\b|[ivxlc]+\.?\s*$)")
_LONGEST_HEADING = 60


def prose(text: str, language: str) -> Iterator[str]:
    """Yield the sentences of running text; no sentence crosses the end of its paragraph.

    A paragraph ends at a blank line. If lines are not wrapped to a width, it also ends at the end of its line. Quotations
    are split like other text. sentencex would keep a quotation whole, and a speech in a novel may have two thousand words.

    Args:
        text: Text to split.
        language: Code of the language.
    """
    from sentencex import get_sentence_boundaries  # pyright: ignore[reportAttributeAccessIssue]

    for paragraph in _after(text, _PARAGRAPH_END if wrapped(text) else _LINE_END):
        bounds = get_sentence_boundaries(language, paragraph.translate(_UNQUOTED))
        begins = [_with_quote(paragraph, bound["start_index"]) for bound in bounds]
        begins[:1] = [0]
        for begin, end in zip(begins, [*begins[1:], len(paragraph)], strict=True):
            yield paragraph[begin:end]


def lines(text: str, language: str) -> Iterator[str]:
    """Yield one sentence per line; blank lines are pieces without text.

    Args:
        text: Text to split.
        language: Not used.
    """
    return _after(text, _LINE_END)


def phrases(text: str, language: str) -> Iterator[str]:
    """Yield the text from one punctuation mark to the next: a few words that belong together.

    A mark inside a word or a number ends no phrase.

    Args:
        text: Text to split.
        language: Not used.
    """
    return _after(text, _PHRASE_END)


SPLITTINGS: dict[str, Callable[[str, str], Iterator[str]]] = {"prose": prose, "lines": lines, "phrases": phrases}


def wrapped(text: str) -> bool:
    """Return whether lines are filled up to a width, as on a page.

    Most lines then end where the next word would not have fitted. The lines of a list of sentences or paragraphs end
    anywhere, or are longer than those of any page.

    Args:
        text: Text of a file.
    """
    rows = [row.rstrip() for row in text.split("\n")[:_SAMPLE]]
    width = max(map(len, rows))
    pairs = [(row, following.split(None, 1)[0]) for row, following in pairwise(rows) if row and following.strip()]
    if width > _LONGEST_WRAPPED or not pairs:
        return False
    # A tenth of the width allows for words that were broken, hyphenated or moved by an editor.
    full = sum(len(row) + 1 + len(word) > 0.9 * width for row, word in pairs)
    return full > 0.7 * len(pairs)


def is_heading(sentence: str) -> bool:
    """Return whether a sentence is the heading of a chapter.

    Args:
        sentence: One sentence.
    """
    return len(sentence) <= _LONGEST_HEADING and bool(_HEADING.match(sentence))


def _with_quote(text: str, begin: int) -> int:
    """Return the begin of a sentence, moved before an opening quotation mark."""
    opened = text[begin - 1 : begin] in _QUOTES and text[begin - 2 : begin - 1].isspace()
    return begin - 1 if begin > 1 and opened else begin


def _after(text: str, end: re.Pattern[str]) -> Iterator[str]:
    """Yield the text, cut after every match of `end`."""
    begin = 0
    for match in end.finditer(text):
        yield text[begin : match.end()]
        begin = match.end()
    if begin < len(text):
        yield text[begin:]
