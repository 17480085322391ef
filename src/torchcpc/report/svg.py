"""A matplotlib figure as SVG text that can stand in a page next to others."""

import io
import re
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure

from torchcpc.report.palette import COLOURS

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
VARIABLE = {light: f"var(--{name})" for name, (light, _) in COLOURS.items()}


@dataclass(frozen=True, slots=True)
class PageFigure:
    """A figure with its words.

    Attributes:
        name: An id that is unique on the page.
        title: The heading, as plain text.
        caption: The caption, as plain text.
        figure: The matplotlib figure.
        wide: Whether the figure takes a whole row of the page.
        hints: For the gid of a scatter, the text that a pointer on each point shows.
    """

    name: str
    title: str
    caption: str
    figure: Figure
    wide: bool = False
    hints: Mapping[str, Sequence[str]] = field(default_factory=dict)


def inline(picture: PageFigure) -> str:
    """Return a figure as SVG for use inside HTML.

    Ids are unique on the page, colours are CSS variables, and text is escaped. The same figure gives the same bytes.
    """
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # The browser has the missing glyphs. matplotlib only uses its font to measure texts.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        picture.figure.savefig(buffer, format="svg", transparent=True)
    root = ElementTree.fromstring(buffer.getvalue())
    for parent in list(root.iter()):
        # Metadata names addresses of standards, and the style would apply to the whole page.
        for child in [child for child in parent if child.tag in (f"{SVG}metadata", f"{SVG}style")]:
            parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
        element.attrib = {("href" if key == LINK else key): _adapted(key, text, picture.name) for key, text in element.items()}
    for group in root.iter("g"):
        hints = picture.hints.get(group.get("id", "").removeprefix(f"{picture.name}-"), ())
        dots = [element for parent in group.iter() if parent.tag == "g" for element in parent if element.tag in ("use", "path")]
        for dot, hint in zip(dots if len(dots) == len(hints) else (), hints, strict=False):
            ElementTree.SubElement(dot, "title").text = hint
    del root.attrib["width"], root.attrib["height"]
    root.attrib |= {"role": "img", "aria-label": picture.title, "id": picture.name}
    return ElementTree.tostring(root, encoding="unicode")


def _adapted(key: str, text: str, name: str) -> str:
    """Return an attribute that is safe next to other figures: ids have a prefix, and colours are variables."""
    if key == "id":
        return f"{name}-{text}"
    if key == LINK:
        return text.replace("#", f"#{name}-", 1)
    if key == "style":
        return re.sub(r"#[0-9a-f]{6}\b", lambda match: VARIABLE.get(match[0], match[0]), text)
    return text.replace("url(#", f"url(#{name}-")
