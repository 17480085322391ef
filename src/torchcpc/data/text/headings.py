"""Which sentences of a book are headings."""

from __future__ import annotations

import re

# A line of its own such as "Chapter 12", "BOOK THE FIRST", "XIV." or "VOLUME II".
_NUMBER = r"(?:\d+|[ivxlc]+|(?:the\s+)?(?:first|second|third|last|\w+th)|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_HEADING = re.compile(rf"(?i)^\W*(?:(?:chapter|book|part|volume|letter|stave)\s+{_NUMBER}\b|[ivxlc]+\.?\s*$)")
_LONGEST = 60


def is_heading(sentence: str) -> bool:
    """Whether a sentence is the heading of a chapter."""
    return len(sentence) <= _LONGEST and bool(_HEADING.match(sentence))
