"""Which of several names a mistyped one is likely meant for."""

import difflib
from collections.abc import Iterable


def nearest_name(word: str, choices: Iterable[str]) -> str:
    """The choice that `word` is most likely meant for, whatever its case; "" where none is like it."""
    known = {choice.casefold(): choice for choice in choices}
    close = difflib.get_close_matches(word.casefold(), known, n=1)
    return known[close[0]] if close else ""
