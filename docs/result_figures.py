"""The figures in benchmarks/results: what a file may hold, checked when it is read."""

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt

FIGURES = Path(__file__).resolve().parent.parent / "benchmarks/results"


class Strict(BaseModel):
    """A record without unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Measured(Strict):
    """A value with its 95 % interval.

    Attributes:
        value: the average.
        interval: its low and its high end.
    """

    value: StrictFloat | StrictInt
    interval: tuple[StrictFloat | StrictInt, StrictFloat | StrictInt]


Number = StrictInt | StrictFloat
Cell = Number | str | list[Number] | Measured | None  # a list holds one number a repeat; None was not measured
Role = Literal["cpc", "untrained", "handmade", "supervised", "paper", "chance"]


class Column(Strict):
    """A column of a table.

    Attributes:
        name: with its unit.
        decimals: how many are shown; default: as they stand in the file.
        signed: whether a plus is shown.
        best: whether the highest or the lowest of the measured rows is shown in bold.
    """

    name: str
    decimals: int | None = None
    signed: bool = False
    best: Literal["highest", "lowest"] | None = None


class Row(Strict):
    """A row of a table.

    Attributes:
        name: one of a kind in its table.
        role: what the verdict takes it for.
        cells: one a column.
    """

    name: str
    role: Role | None = None
    cells: list[Cell]


class Table(Strict):
    """A table of figures.

    Attributes:
        name: one of a kind in its file.
        caption: the sentence above it.
        corner: the title of the column that names the rows.
        columns: of the cells.
        rows: from top to bottom.
    """

    name: str
    caption: str = ""
    corner: str
    columns: list[Column]
    rows: list[Row] = Field(min_length=1)

    def cell(self, row: str, column: str) -> Cell:
        """Return one cell by its names."""
        names = [each.name for each in self.columns]
        return next(each for each in self.rows if each.name == row).cells[names.index(column)]

    def decimals(self, column: str) -> int | None:
        """Return how many decimals a column shows."""
        return next(each.decimals for each in self.columns if each.name == column)


class Reference(Strict):
    """The place of one cell.

    Attributes:
        table: its name.
        row: its name.
        column: its name.
    """

    table: str
    row: str
    column: str


class Comparison(Strict):
    """A line of the index: CPC against its baselines.

    Attributes:
        task: as the index names it.
        unit: of the figures.
        table: that holds the rows.
        column: that is compared.
        cpc: rows of CPC, one or several seeds.
        untrained: the row of the same network before training, or nothing.
        handmade: all rows of handmade features in the table.
        supervised: the cell of the supervised network, or nothing.
        paper: the paper's figure, where its task is comparable.
    """

    task: str
    unit: str
    table: str
    column: str
    cpc: list[str] = Field(min_length=1)
    untrained: str | None
    handmade: list[str]
    supervised: Reference | None = None
    paper: Number | None = None


class Target(Strict):
    """A line of the index: a figure against a target that was set beforehand.

    Attributes:
        what: was measured, with its unit.
        figure: its cell.
        at_most: the target, where less is better.
        at_least: the target, where more is better.
    """

    what: str
    figure: Reference
    at_most: Number | None = None
    at_least: Number | None = None


class Intervals(Strict):
    """How intervals were made.

    Attributes:
        unit: that they are over.
        method: the older one, or the jackknife with Student's t.
    """

    unit: str
    method: Literal["older method", "Student's t"]


class Task(Strict):
    """A task with its figures: one file of benchmarks/results.

    Attributes:
        domain: as the index names it.
        task: the heading.
        claim: one sentence.
        commands: as they were run.
        data: what they were run on.
        measured: the day.
        caveats: sentences on the age and the choice of the figures.
        seeds: how many, of what.
        intervals: how they were made, or nothing where there are none.
        tables: the figures.
        reading: three sentences on how to read them.
        missing: what was not measured.
        notebook: entries, without their suffix.
        paper_note: why the paper's figure is left out, or what differs.
        comparisons: lines of the index.
        targets: lines of the index.
    """

    domain: str
    task: str
    claim: str
    commands: list[str]
    data: str
    measured: date
    caveats: list[str] = []
    seeds: str
    intervals: Intervals | None = None
    tables: list[Table]
    reading: list[str] = Field(min_length=3, max_length=3)
    missing: list[str]
    notebook: list[str] = []
    paper_note: str = ""
    comparisons: list[Comparison] = []
    targets: list[Target] = []

    def table(self, name: str) -> Table:
        """Return a table by its name."""
        return next(each for each in self.tables if each.name == name)


def load(name: str) -> Task:
    """Return a task of benchmarks/results, checked."""
    return Task.model_validate_json((FIGURES / f"{name}.json").read_text(encoding="utf8"))
