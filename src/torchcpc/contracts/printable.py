"""Text of others on a line of ours. It is escaped once, where it is printed, so that no name moves the cursor or turns a line around."""

import reprlib
import unicodedata

# What changes the order of the letters after it: a name such as "exe." U+202E "gpj" would show as another.
# Two code points are no characters, and XML holds neither.
_TURNING = frozenset("\ufffe\uffff\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Control characters, lone surrogates (of file names that are no text), and what ends a line or a paragraph.
_HIDDEN = frozenset(("Cc", "Cs", "Zl", "Zp"))


def printable(text: object) -> str:
    """Any text on one line, its control characters as Python writes them: a line end as \\n, ESC as \\x1b, U+202E as \\u202e."""
    whole = str(text)
    if whole.isascii() and whole.isprintable():
        return whole
    return "".join(_escaped(letter) for letter in whole)


def printable_lines(text: str) -> str:
    """The same of a text whose lines are ours."""
    return "\n".join(printable(line) for line in text.split("\n"))


def _escaped(letter: str) -> str:
    odd = letter in _TURNING or unicodedata.category(letter) in _HIDDEN
    return letter.encode("unicode_escape").decode("ascii") if odd else letter


def one_line(error: Exception) -> str:
    """The message of a foreign error on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def shown(value: object) -> str:
    """A value for a message, of any size on less than a line."""
    try:
        return reprlib.repr(value)
    except ValueError:  # Python writes down no number of thousands of digits
        return f"a {type(value).__name__} too long to show"
