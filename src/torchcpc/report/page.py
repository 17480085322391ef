"""The page of a run: one HTML text that needs neither a network nor a script."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from torchcpc.contracts import grouped
from torchcpc.report import format, glossary, panel, summary
from torchcpc.report.cards import sections
from torchcpc.report.results import RunFolder
from torchcpc.report.style import stylesheet


def render(run: RunFolder) -> str:
    """Return the page of a run as HTML."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["printable"] = format.printable
    environment.filters["prose"] = _prose
    with panel.figure_style():
        body = sections(run)
    content = {
        "run": run,
        "style": Markup(stylesheet()),
        "tiles": summary.tiles(run),
        "sentences": summary.sentences(run),
        "warnings": summary.warning_lines(run),
        "sections": body,
        "unmeasured": summary.unmeasured(run),
        "amount": summary.amount(data) if isinstance(data := run.settings.get("data"), Mapping) else "",
        "skipped": grouped(run.skipped or ()),
        "notes": grouped(run.notes or ()),
        "settings": list(_flat({key: value for key, value in run.settings.items() if key != "versions"})),
        "versions": list(_flat(run.settings.get("versions", {}))),
    }
    template = environment.get_template("page.html.jinja")
    # The first pass finds the terms that occur, and the second one explains them.
    words = glossary.occurring(glossary.plain_text(template.render(**content, glossary=[])))
    return template.render(**content, glossary=words)


def _prose(text: str) -> Markup:
    """Return a sentence as markup. Text between backticks becomes code, and a number stays with its percent sign."""
    safe = str(escape(text)).replace(" %", "\N{NO-BREAK SPACE}%")
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", safe))


def _flat(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested settings as dotted names with texts.

    The texts use the notation of a recipe, so that a setting can be given back as key=value.
    """
    if isinstance(value, Mapping) and (value or not name):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield format.printable(name), format.printable(text)
