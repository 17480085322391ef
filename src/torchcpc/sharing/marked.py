"""A mark at the end of our cards. A card without it, or with another digest, belongs to the user and is kept."""

import re
from hashlib import blake2b

_MARK = re.compile(r"\n<!-- torchcpc card ([0-9a-f]{16}): .*? -->\n?\Z")


def marked(card: str) -> str:
    """Return the card with a comment at its end, which holds a digest of the text."""
    return f"{card.rstrip()}\n\n<!-- torchcpc card {_digest(card)}: saving again replaces this file, unless it was edited -->\n"


def is_ours(text: str) -> bool:
    """Return whether `marked` made this text and nobody has edited it since."""
    found = _MARK.search(text)
    return found is not None and found[1] == _digest(text[: found.start()])


def _digest(card: str) -> str:
    return blake2b(card.rstrip().encode("utf8", "surrogateescape"), digest_size=8).hexdigest()
