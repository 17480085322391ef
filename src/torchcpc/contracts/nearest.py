"""The name that a misspelt one most likely means."""

import difflib
from collections.abc import Iterable


def nearest_name(word: str, choices: Iterable[str]) -> str:
    """Return the choice that is most similar to `word`, whatever its case, or "" if none is similar."""
    known = {choice.casefold(): choice for choice in choices}
    close = difflib.get_close_matches(word.casefold(), known, n=1)
    return known[close[0]] if close else ""
