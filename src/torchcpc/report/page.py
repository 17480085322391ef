"""RUN/report.html: one file that holds all it shows, and asks nothing of the network or of a script."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from torchcpc.contracts import CPCError
from torchcpc.report import (
    format,
    health_figures,
    information_figures,
    map_figure,
    palette,
    panel,
    probe_figures,
    ranking_table,
    summary,
    timeline_figure,
    training_figures,
)
from torchcpc.report.run import Run, read
from torchcpc.report.svg import Picture, inline

MOST_SKIPPED = 200


def build(run: Path) -> Path:
    """Write RUN/report.html from the files of the folder and give back its path.

    Only metrics.jsonl is needed; what else is missing is named on the page with the command that would add it. The same files
    give the same bytes. The page is replaced whole or not at all. Raises CPCError for a folder that is no run, or a file in it
    that cannot be read or written.
    """
    folder = Path(run)
    return write(folder / "report.html", render(read(folder)))


def render(run: Run) -> str:
    """The page of a run as HTML."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": format.percent,
        "between": format.between,
        "points": format.points,
        "printable": format.printable,
    }
    with panel.house():
        tables = [(table, shown(probe_figures.draw(table, i))) for i, table in enumerate(run.probe.tables if run.probe else ())]
        drawn = shown([map_figure.draw(run.probe.map)] if run.probe and run.probe.map and run.probe.map.points else [])
        known = run.information
        told = shown(information_figures.draw(Path("information.json"), known)) if known else []
        followed = shown([timeline_figure.draw(Path("course.json"), run.course)]) if run.course else []
        learning, signs = shown(training_figures.draw(run.metrics)), shown(health_figures.draw(run.metrics))
    return environment.get_template("page.html.jinja").render(
        name=format.printable(run.name),
        themes=[Markup(palette.variables(theme)) for theme in (0, 1)],
        tiles=summary.tiles(run),
        summary=summary.summary(run),
        warnings=summary.warnings(run),
        learning=learning,
        numbers=summary.numbers(run),
        speaks=summary.chosen(run)[0],
        tables=tables,
        probed=run.probe is not None,
        map=drawn,
        signs=signs,
        told=told,
        followed=followed,
        ranked=ranking_table.numbers(Path("ranking.json"), run.ranking) if run.ranking else [],
        information=information_figures.numbers(known) if known else [],
        truths=information_figures.truths(known) if known else [],
        cautions=known["cautions"] if known else [],
        skipped=run.skipped,
        most_skipped=MOST_SKIPPED,
        reasons=Counter(reason for _, reason in run.skipped or ()).most_common(10),
        settings=list(flat({key: value for key, value in run.settings.items() if key != "versions"})),
        versions=list(flat(run.settings.get("versions", {}))),
    )


def shown(pictures: Iterable[Picture]) -> list[tuple[Picture, Markup]]:
    """Each picture with its SVG, which is markup of ours: all text in it was escaped by the XML writer."""
    return [(picture, Markup(inline(picture))) for picture in pictures]


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as (dotted name, text)."""
    if isinstance(value, Mapping) and (value or not name):
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else str(key))
    else:
        # As in the recipe's own notation, so that a value can be given back as key=value.
        yield (
            format.printable(name),
            format.printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)),
        )


def write(path: Path, text: str) -> Path:
    """Write beside the page and move into place, so that a reader never meets half a page."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise CPCError(f"cannot write {path}: {error.strerror}; make the run folder writable or free some space") from error
    return path
