"""The page of a run: one HTML text that holds all it shows, and asks nothing of the network or of a script."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from torchcpc.contracts import grouped
from torchcpc.report import format, information_figures, panel, probe_figures, summary, training_figures
from torchcpc.report.results import RunFolder
from torchcpc.report.style import stylesheet
from torchcpc.report.svg import PageFigure, inline
from torchcpc.text_table import TextTable


class PageSection(NamedTuple):
    """Pictures, each with its SVG, and tables as HTML below them. Both are markup of ours, in which all text is escaped."""

    pictures: list[tuple[PageFigure, Markup]]
    tables: list[Markup]

    @classmethod
    def of(cls, pictures: Iterable[PageFigure], tables: Iterable[TextTable] = ()) -> PageSection:
        return cls([(picture, Markup(inline(picture))) for picture in pictures], [Markup(table.html()) for table in tables])


def render(run: RunFolder) -> str:
    """The page of a run as HTML."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["printable"] = format.printable
    with panel.figure_style():
        blocks = {
            "learning": PageSection.of(training_figures.draw(run.metrics), [summary.step_table(run.metrics)]),
            "health": PageSection.of(training_figures.health(run.metrics)),
            "scores": list(_score_blocks(run)),
            "probes": list(_probe_blocks(run)),
        }
    return environment.get_template("page.html.jinja").render(
        run=run,
        style=Markup(stylesheet()),
        tiles=summary.tiles(run),
        sentences=summary.sentences(run),
        warnings=summary.warning_lines(run),
        amount=summary.amount(data) if isinstance(data := run.settings.get("data"), Mapping) else "",
        skipped=grouped(run.skipped or ()),
        notes=grouped(run.notes or ()),
        settings=list(_flat({key: value for key, value in run.settings.items() if key != "versions"})),
        versions=list(_flat(run.settings.get("versions", {}))),
        **blocks,
    )


def _score_blocks(run: RunFolder) -> Iterator[PageSection]:
    """What the scores say: information, timeline, ranks."""
    if run.information:
        yield PageSection.of(information_figures.draw(run.information), run.information.tables())
    if run.timeline:
        yield PageSection.of([information_figures.timeline(run.timeline)], run.timeline.tables())
    if run.ranking:
        yield PageSection.of([], run.ranking.tables())


def _probe_blocks(run: RunFolder) -> Iterator[PageSection]:
    """What the representation is good for: probes, the last map, boundaries, alarms."""
    for i, table in enumerate(run.probes):
        yield PageSection.of(probe_figures.draw(table, i), table.tables())
    maps = [table.map for table in run.probes if table.map is not None and len(table.map.labels)]
    if maps:
        yield PageSection.of([probe_figures.draw_map(maps[-1])])
    for result in (run.segments, run.anomalies):
        if result:
            yield PageSection.of([], result.tables())


def _flat(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as (dotted name, text), in the recipe's notation, so that a value can be given back as key=value."""
    if isinstance(value, Mapping) and (value or not name):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield format.printable(name), format.printable(text)
