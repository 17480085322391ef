"""The points of `quality_per_minute.py`: their file, their tables and their figure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from torchcpc.atomic import write_text
from torchcpc.contracts import CPCError
from torchcpc.report.palette import HUES, light
from torchcpc.report.panel import panel, save
from torchcpc.report.svg import PageFigure
from torchcpc.statistics.intervals import Hits, difference_interval, share_interval
from torchcpc.text_table import TextTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The probe of one contender, seed and number of minutes.

    Attributes:
        contender: Label of the contender, or name of handmade features.
        identity: Digest of its settings.
        rows: Digest of the data, the labels, the frames and the number of threads.
        seed: Seed of the contender.
        minutes: Minutes of training that were asked for. 0: the untrained network, or handmade features.
        right: Right answers in each test unit, by features ("c" and "z", or "frames").
        of: Test rows in each unit.
        updates: Updates done.
        clock_minutes: Minutes of training by the clock.
        core_minutes: Minutes of processor time in that training, over all threads.
        schedule_done: How much of the learning-rate schedule was done, from 0 to 1.
        ended: Whether the run had made all of its updates before.
        load: Load average of the machine in the last minute, at the end of the training.
    """

    contender: str
    identity: str
    rows: str
    seed: int
    minutes: float
    right: dict[str, list[int]]
    of: list[int]
    updates: int = 0
    clock_minutes: float = 0.0
    core_minutes: float = 0.0
    schedule_done: float = 1.0
    ended: bool = False
    load: float = 0.0

    def accuracy(self, features: str) -> float:
        """Return the share of right answers."""
        return sum(self.right[features]) / sum(self.of)


class Points:
    """All points of one question, in a file with one JSON object a line.

    Args:
        path: The file, which may not exist yet.
        rows: Digest of the question.

    Raises:
        CPCError: If the file holds points of another question.
    """

    def __init__(self, path: Path, rows: str) -> None:
        self.path, self.rows = path, rows
        lines = path.read_text(encoding="utf8").splitlines() if path.exists() else []
        self.all = [Point(**json.loads(line)) for line in lines]
        if any(point.rows != rows for point in self.all):
            raise CPCError(f"{path} holds points of other data, labels, frames or threads. Name another file.")

    def add(self, point: Point) -> None:
        """Add a point. The file is written whole, so an interrupt loses no point."""
        self.all.append(point)
        write_text(self.path, "".join(json.dumps(asdict(own)) + "\n" for own in self.all))

    def has(self, contender: str, identity: str, seed: int, minutes: float) -> bool:
        """Return whether a point is there.

        Raises:
            CPCError: If it was measured with other settings.
        """
        own = [point for point in self.all if point.contender == contender]
        if any(point.identity != identity for point in own):
            raise CPCError(f"{self.path} holds {contender!r} with other settings. Give it another name, or name another file.")
        return any((point.seed, point.minutes) == (seed, minutes) for point in own)

    def of(self, contender: str, minutes: float) -> list[Point]:
        """Return the points of all seeds, by seed."""
        found = [point for point in self.all if (point.contender, point.minutes) == (contender, minutes)]
        return sorted(found, key=lambda point: point.seed)


def hits(points: Sequence[Point], features: str) -> Hits:
    """Return the right answers of several seeds."""
    return Hits(np.array([point.right[features] for point in points], float), np.array(points[0].of, float))


def mark(points: Sequence[Point]) -> str:
    """Return the mark of a cell: "=" after the end of a run, "~" before the end of a schedule."""
    if all(point.ended for point in points):
        return " ="
    return " ~" if any(point.schedule_done < 0.999 for point in points) and points[0].minutes else ""


@dataclass(frozen=True, slots=True)
class Board:
    """What the tables and the figure show.

    Attributes:
        points: The points.
        contenders: Labels of the contenders. The last is the rival, with which the others are compared.
        handmade: Names of the handmade features.
        minutes: Minutes of training.
        threads: Threads of all contenders.
    """

    points: Points
    contenders: Sequence[str]
    handmade: Sequence[str]
    minutes: Sequence[float]
    threads: int

    def cells(self, label: str, features: str) -> list[str]:
        """Return the accuracies of a row, in percent."""
        cells = []
        for minutes in (0.0, *self.minutes):
            own = self.points.of(label, minutes)
            cells.append(share_interval(hits(own, features)).text(1, scale=100) + mark(own) if own else "-")
        return cells

    def accuracies(self) -> TextTable:
        """Return the table of accuracies."""
        header = ["contender", "features", *("untrained" if not m else f"{m:g} min" for m in (0.0, *self.minutes))]
        rows = [[label, features, *self.cells(label, features)] for label in self.contenders for features in ("c", "z")]
        for name in self.handmade:
            accuracy = share_interval(hits(self.points.of(name, 0.0), "frames")).text(1, scale=100)
            rows.append([name, "frames", accuracy, *["" for _ in self.minutes]])
        caption = f"Linear probe, accuracy % (95 % interval) after minutes of training with {self.threads} threads."
        return TextTable(header, rows, caption, self.notes())

    def notes(self) -> list[str]:
        """Return what a reader must know about these points."""
        trained = [point for point in self.points.all if point.minutes]
        notes = ["~ read along a run whose learning-rate schedule is not finished; = the run had ended before."]
        if trained:
            low, high = min(point.load for point in trained), max(point.load for point in trained)
            notes.append(f"Load of the machine: {low:.1f} to {high:.1f}.")
            if high > self.threads + 0.5:
                notes.append("The machine was busy: other work took part of the minutes. Do not publish these figures.")
        return notes

    def differences(self, features: str = "c") -> TextTable:
        """Return the table of differences from the rival, paired on the test rows."""
        *others, rival = self.contenders
        rows = []
        for label in others:
            cells = []
            for minutes in self.minutes:
                own, theirs = self.points.of(label, minutes), self.points.of(rival, minutes)
                both = own and theirs
                gain = difference_interval(hits(own, features), hits(theirs, features)) if both else None
                cells.append(gain.text(1, scale=100, sign="+") if gain else "-")
            rows.append([label, *cells])
        return TextTable(["contender", *(f"{m:g} min" for m in self.minutes)], rows, f"{features}: points above {rival}.")

    def work(self) -> TextTable:
        """Return the table of updates, and of processor minutes for each minute of the clock."""
        rows = []
        for label in self.contenders:
            cells = []
            for own in (self.points.of(label, minutes) for minutes in self.minutes):
                updates, clock = (
                    np.mean([getattr(point, name) for point in own] or [0]) for name in ("updates", "clock_minutes")
                )
                cores = np.mean([point.core_minutes for point in own] or [0]) / max(clock, 1e-9)
                cells.append(f"{updates:,.0f} at {cores:.2f}" if own else "-")
            rows.append([label, *cells])
        caption = "Updates done, at processor minutes for each minute of the clock."
        return TextTable(["contender", *(f"{m:g} min" for m in self.minutes)], rows, caption)

    def draw(self, path: Path) -> None:
        """Write the figure."""
        save(path, self.figure)

    def figure(self) -> PageFigure:
        """Return the figure: accuracy over minutes, c solid and z dashed, handmade features as level lines."""
        x_label = f"minutes of training, {self.threads} threads (open: the schedule is not finished)"
        figure, axes = panel(x=x_label, y="linear probe, accuracy (%)", width=8.2, height=5)
        colours = [light(name) for name in HUES]
        for label, colour in zip(self.contenders, colours * len(self.contenders), strict=False):
            for features, style, size in (("c", "-", 6), ("z", "--", 3)):
                found = [own for m in (0.0, *self.minutes) if (own := self.points.of(label, m))]
                x, y = [own[0].minutes for own in found], [100 * hits(own, features).mean for own in found]
                own = {"color": colour, "linestyle": style, "linewidth": size / 4, "marker": "o", "markersize": size}
                axes.plot(x, y, label=f"{label}, {features}", **own)  # pyright: ignore[reportArgumentType]
                unfinished = [place for place, points in enumerate(found) if "~" in mark(points)]
                open_x, open_y = [x[place] for place in unfinished], [y[place] for place in unfinished]
                axes.plot(open_x, open_y, "o", color=colour, markersize=size, markerfacecolor=light("card"))
        for name in self.handmade:
            level = 100 * hits(self.points.of(name, 0.0), "frames").mean
            axes.axhline(level, color=light("muted"), linewidth=1, linestyle=":")
            axes.annotate(name, (1, level), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8)
        figure.legend(loc="outside lower center", ncols=1)
        return PageFigure("quality-per-minute", "Accuracy per minute", "", figure)
