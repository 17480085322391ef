"""A drawn matplotlib figure as SVG text that may stand inside a page beside others."""

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
    """A figure with its words: name is unique on the page, title and caption are plain text, wide takes the whole row. hints: by the gid
    of a scatter, what a pointer on each of its points shows."""

    name: str
    title: str
    caption: str
    figure: Figure
    wide: bool = False
    hints: Mapping[str, Sequence[str]] = field(default_factory=dict)


def inline(picture: PageFigure) -> str:
    """SVG for use inside HTML: ids that no other figure has, colours by CSS variable, text as escaped text, the same bytes each time."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # The reader's browser has the font; matplotlib only measures with its own.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        picture.figure.savefig(buffer, format="svg", transparent=True)
    root = ElementTree.fromstring(buffer.getvalue())
    for parent in list(root.iter()):
        # Metadata (names and addresses of standards), and a style that would reach the whole page.
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
    """An attribute of one figure made safe beside others: ids and references prefixed, colours given by variable."""
    if key == "id":
        return f"{name}-{text}"
    if key == LINK:
        return text.replace("#", f"#{name}-", 1)
    if key == "style":
        return re.sub(r"#[0-9a-f]{6}\b", lambda match: VARIABLE.get(match[0], match[0]), text)
    return text.replace("url(#", f"url(#{name}-")
