"""Text from files and users, made safe to print on one line.

It is escaped once, where it is printed. So no name can move the cursor or reverse the order of a line.
"""

import reprlib
import unicodedata

# These change the order of the letters after them: a name such as "exe." U+202E "gpj" would look like another.
# Two of these code points are no characters, and XML allows neither.
_TURNING = frozenset("\ufffe\uffff\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Control characters, lone surrogates (from file names that are no text), and line or paragraph ends.
_HIDDEN = frozenset(("Cc", "Cs", "Zl", "Zp"))


def printable(text: object) -> str:
    r"""Return any text on one line, with control characters written as Python writes them.

    A line end becomes \n, ESC becomes \x1b, and U+202E becomes \u202e.
    """
    whole = str(text)
    if whole.isascii() and whole.isprintable():
        return whole
    return "".join(_escaped(letter) for letter in whole)


def printable_lines(text: str) -> str:
    """Return a text with each of its lines escaped. Line ends stay."""
    return "\n".join(printable(line) for line in text.split("\n"))


def _escaped(letter: str) -> str:
    """Return a letter, or its escape if it is hidden or turns the text around."""
    odd = letter in _TURNING or unicodedata.category(letter) in _HIDDEN
    return letter.encode("unicode_escape").decode("ascii") if odd else letter


def one_line(error: Exception) -> str:
    """Return the message of a foreign error on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def shown(value: object) -> str:
    """Return a value for a message, shortened to less than a line."""
    try:
        return reprlib.repr(value)
    except ValueError:  # Python refuses to print a number with thousands of digits
        return f"a {type(value).__name__} too long to show"
