"""Books to test with: sentences of invented words, the last word of each the first of the next, so that what follows can be told."""

from __future__ import annotations

from pathlib import Path

import numpy as np

WORDS = [f"{a}{b}{c}o" for a in "bdgk" for b in "aeiou" for c in "lmnrs"]


def sentences(count: int, *, seed: int = 0, words: int = 5) -> list[str]:
    rng = np.random.default_rng(seed)
    links = rng.choice(WORDS, count + 1)
    return [" ".join([links[n], *rng.choice(WORDS, words - 2), links[n + 1]]).capitalize() + "." for n in range(count)]


def write_book(path: Path, count: int, *, seed: int = 0) -> list[str]:
    """Four sentences a paragraph, a blank line between two; returns them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found = sentences(count, seed=seed)
    paragraphs = [" ".join(found[n : n + 4]) for n in range(0, count, 4)]
    path.write_text("\n\n".join(paragraphs) + "\n", encoding="utf8")
    return found
