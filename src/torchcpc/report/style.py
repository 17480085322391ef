"""The style sheet of every page.

The colours of the palette become variables for a light page, a dark page and paper. Then follows style.css.
"""

from pathlib import Path

from torchcpc.report import palette

# The colours of the page behind the cards, and of warnings: (light, dark).
_PAGE = {"page": ("#f3f5f8", "#0f1116"), "alert": ("#fff4e5", "#2b2118"), "alert-edge": ("#c9540c", "#f29350")}


def stylesheet() -> str:
    """Return the CSS of a style element. Each colour is a variable with its name in `palette.COLOURS`, for example
    var(--ink).
    """
    light, dark = ("".join(f"--{name}:{pair[i]};" for name, pair in (palette.COLOURS | _PAGE).items()) for i in (0, 1))
    themes = f":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n@media print{{:root{{{light}--page:#fff}}}}\n"
    return themes + Path(__file__).with_name("style.css").read_text(encoding="utf8")
