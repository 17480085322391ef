"""The page of a run: one HTML text that holds all it shows, and asks nothing of the network or of a script."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from torchcpc.report import (
    format,
    health_figures,
    information_figures,
    map_figure,
    palette,
    panel,
    probe_figures,
    summary,
    timeline_figure,
    training_figures,
)
from torchcpc.report.results import KeptResults
from torchcpc.report.run_folder import RunFolder
from torchcpc.report.svg import Picture, inline
from torchcpc.text_table import TextTable

MOST_SKIPPED = 200


class Block(NamedTuple):
    """Pictures, each with its SVG, and tables as HTML below them. Both are markup of ours, in which all text is escaped."""

    pictures: list[tuple[Picture, Markup]]
    tables: list[Markup]


def render(run: RunFolder) -> str:
    """The page of a run as HTML."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = format.printable
    with panel.figure_style():
        blocks = {
            "learning": _block(training_figures.draw(run.metrics), [summary.step_table(run.metrics)]),
            "health": _block(health_figures.draw(run.metrics)),
            "scores": _score_blocks(run.results),
            "probes": _probe_blocks(run.results),
        }
    return environment.get_template("page.html.jinja").render(
        name=format.printable(run.name),
        themes=[Markup(palette.variables(theme)) for theme in (0, 1)],
        tiles=summary.tiles(run),
        sentences=summary.sentences(run),
        warnings=summary.warnings(run),
        validated=run.metrics.valid is not None,
        results=run.results,
        skipped=run.skipped,
        most_skipped=MOST_SKIPPED,
        reasons=Counter(reason for _, reason in run.skipped or ()).most_common(10),
        settings=list(_flat({key: value for key, value in run.settings.items() if key != "versions"})),
        versions=list(_flat(run.settings.get("versions", {}))),
        **blocks,
    )


def _score_blocks(results: KeptResults) -> list[Block]:
    """What the scores say: information, timeline, ranks."""
    blocks = []
    if table := results.information:
        blocks.append(_block(information_figures.draw(table), table.tables()))
    if timeline := results.timeline:
        blocks.append(_block([timeline_figure.draw(timeline)], timeline.tables()))
    return [*blocks, _block([], results.ranking.tables())] if results.ranking else blocks


def _probe_blocks(results: KeptResults) -> list[Block]:
    """What the representation is good for: probes, the last map, boundaries, alarms."""
    blocks = [_block(probe_figures.draw(table, i), table.tables()) for i, table in enumerate(results.probes)]
    maps = [table.map for table in results.probes if table.map is not None and len(table.map.labels)]
    others = [result for result in (results.segments, results.anomalies) if result is not None]
    blocks += [_block([map_figure.draw(layout)]) for layout in maps[-1:]]
    return blocks + [_block([], result.tables()) for result in others]


def _block(pictures: Iterable[Picture], tables: Iterable[TextTable] = ()) -> Block:
    return Block([(picture, Markup(inline(picture))) for picture in pictures], [Markup(table.html()) for table in tables])


def _flat(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as (dotted name, text), in the recipe's notation, so that a value can be given back as key=value."""
    if isinstance(value, Mapping) and (value or not name):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield format.printable(name), format.printable(text)
