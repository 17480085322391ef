"""The body of the page: sections with cards. A card has sentences, figures, and details that open on a click."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from torchcpc.probes.result import ProbeTable
from torchcpc.report import (
    anomaly_figures,
    findings,
    information_figures,
    probe_figures,
    summary,
    table_figures,
    training_figures,
)
from torchcpc.report.embedding_map import draw_map
from torchcpc.report.probe_titles import titles
from torchcpc.report.results import RunFolder
from torchcpc.report.svg import PageFigure, inline
from torchcpc.report.verdict import verdicts
from torchcpc.text_table import TextTable, distinct


class Fold(NamedTuple):
    """Details that open on a click.

    Attributes:
        title: The title to click on.
        pictures: Figures, each with its SVG.
        tables: Tables as HTML, in which all text is escaped.
    """

    title: str
    pictures: list[tuple[PageFigure, Markup]]
    tables: list[Markup]


class Card(NamedTuple):
    """One result on the page.

    Attributes:
        name: The id on the page.
        title: The heading.
        lines: Plain sentences.
        pictures: Figures, each with its SVG.
        folds: Details that open on a click.
        cautions: Reasons to read the result with care.
    """

    name: str
    title: str
    lines: list[str]
    pictures: list[tuple[PageFigure, Markup]]
    folds: list[Fold]
    cautions: Sequence[str] = ()


class Section(NamedTuple):
    """A section of the page.

    Attributes:
        name: The id on the page.
        title: The heading.
        lines: Plain sentences above the cards.
        cards: The results.
    """

    name: str
    title: str
    lines: list[str]
    cards: list[Card]


def sections(run: RunFolder) -> list[Section]:
    """Return all results in the order of the page. Apart from the training, a section without a card is left out."""
    training = Section("training", "Training", summary.without_validation(run), list(_training(run)))
    others = [
        Section("scores", "Scores in nats", [], list(_scores(run))),
        Section("probes", "Probes of the representation", [], list(_probes(run.probes))),
        Section("events", "Boundaries and alarms", [], list(_events(run))),
    ]
    return [training, *(section for section in others if section.cards)]


def _training(run: RunFolder) -> Iterator[Card]:
    if run.metrics.best is None:
        return
    pictures, health = training_figures.draw(run.metrics), training_figures.health(run.metrics)
    folds = [_fold("Each prediction step", training_figures.details(run.metrics), [summary.step_table(run.metrics)])]
    if health:
        folds.append(_fold("Effective ranks and gradient norm", health))
    yield Card("card-bound", "The bound", [], _drawn(pictures), folds)


def _scores(run: RunFolder) -> Iterator[Card]:
    if (table := run.information) is not None:
        first, *others = information_figures.draw(table) or [None]
        checks, profiles = ([p for p in others if p and p.wide == wide] for wide in (False, True))
        shown = [first] if first else []
        folds = [_fold("Peaks and plateaus of the score", profiles)] if profiles else []
        folds.append(_fold("Table of the information", [], table.tables()))
        yield Card(
            "card-information",
            "Information per step",
            findings.information(table),
            _drawn([*shown, *checks]),
            folds,
            table.cautions,
        )
    if (course := run.timeline) is not None:
        folds = [_fold("Table of the timeline", [], course.tables())]
        picture = information_figures.timeline(course)
        yield Card("card-timeline", "How expected each step was", findings.timeline(course), _drawn([picture]), folds)
    if (ranks := run.ranking) is not None:
        pictures = [table_figures.ranking(block, i) for i, block in enumerate(ranks.blocks)]
        folds = [_fold("Table of the ranking", [], ranks.tables())]
        yield Card("card-ranking", "The true future among others", findings.ranking(ranks), _drawn(pictures), folds)


def _probes(tables: Sequence[ProbeTable]) -> Iterator[Card]:
    for i, (table, title) in enumerate(zip(tables, titles(tables), strict=True)):
        pictures = [probe_figures.accuracies(table, i)] if table.rows else []
        if table.map is not None and len(table.map.labels):
            pictures.append(draw_map(table.map, i))
        curves = [probe_figures.label_efficiency(table, i)] if table.efficiency else []
        few = [_fold("Accuracy from few labels", curves, table.curve_tables())] if curves else []
        gaps = [_fold("Gap closed", [], table.gap_tables())] if table.gaps else []
        folds = [*gaps, *few, _fold("Table and split", [], table.accuracy_tables())]
        yield Card(f"card-probe-{i}", title, verdicts(table), _drawn(pictures), folds)


def _events(run: RunFolder) -> Iterator[Card]:
    if (table := run.segments) is not None:
        pictures = table_figures.boundaries(table) if table.rows else []
        folds = [_fold("Table of the boundaries", [], table.tables())]
        yield Card("card-segments", "Boundaries", findings.segments(table), _drawn(pictures), folds)
    if (found := run.anomalies) is not None:
        first, *others = [anomaly_figures.series(trace, i, found) for i, trace in enumerate(found.traces)] or [None]
        folds = [_fold("More series", [picture for picture in others if picture])] if others else []
        folds.append(_fold("Table of the alarms", [], found.tables()))
        yield Card("card-anomalies", "Alarms", findings.anomalies(found), _drawn([first] if first else []), folds)


def _drawn(pictures: Iterable[PageFigure]) -> list[tuple[PageFigure, Markup]]:
    return [(picture, Markup(inline(picture))) for picture in pictures]


def _fold(title: str, pictures: Iterable[PageFigure], tables: Iterable[TextTable] = ()) -> Fold:
    return Fold(title, _drawn(pictures), [Markup(table.html()) for table in distinct(tables)])
