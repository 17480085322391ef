"""Representations in memory with what names and labels their rows, and the steps most similar to given ones."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from torchcpc.results import Array, SavedResult, flat
from torchcpc.text_table import TextTable

# Rows of an embedding that its text shows.
_SHOWN = 5
_HEADER = ("rank", "cosine", "step", "source", "sentence")


# What a row of an embedding has besides its labels; in a csv z_0, z_1, ... too.
_OWN = re.compile(r"source|sequence|step|time_s|[zc](_\d+)?")


def column_names(labels: Iterable[str]) -> dict[str, str]:
    """Label column -> its column in a table of rows: label_NAME for a name that is taken there."""
    taken = set(labels)
    names: dict[str, str] = {}
    for label in labels:
        name = label
        while _OWN.fullmatch(name) or (name != label and name in taken):
            name = f"label_{name}"
        names[label] = name
        taken.add(name)
    return names


@dataclass(frozen=True, slots=True)
class Embedding(SavedResult):
    """A row a step, or a row a source (per = "source", means over its steps). z [M, D] and c [M, C]. keys: the source of each row.
    sequence: which of a picture's columns, and step, both -1 for a whole source. time_s: when the row begins, in seconds; in positions
    where the data have no clock. labels: label column -> one label a row."""

    per: str
    z: Array
    c: Array
    keys: tuple[str, ...]
    sequence: Array
    step: Array
    time_s: Array
    labels: Mapping[str, tuple[str, ...]]

    def records(self) -> Sequence[Mapping[str, object]]:
        places = {"sequence": self.sequence.tolist(), "step": self.step.tolist(), "time_s": self.time_s.tolist()}
        names = column_names(self.labels)
        labels = {names[label]: values for label, values in self.labels.items()}
        columns = {"source": self.keys, **places, **labels, "z": self.z, "c": self.c}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def tables(self) -> Sequence[TextTable]:
        names = column_names(self.labels)
        labels = {names[label]: values for label, values in self.labels.items()}
        columns = {"source": self.keys, "step": self.step, "time_s": self.time_s, **labels}
        shown = zip(*(values[:_SHOWN] for values in columns.values()), strict=True)
        rows = [[f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in row] for row in shown]
        caption = f"{len(self.keys)} rows, one a {self.per}, of {len(set(self.keys))} sources; z: {self.z.shape[1]}, c: {self.c.shape[1]}"
        left = len(self.keys) - len(rows)
        return [TextTable(list(columns), rows, caption, [f"... and {left} more"] if left else [])]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A step similar to a query. sentence: what is written there, "" where the data are no text."""

    rank: int
    cosine: float
    step: int
    source: str
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class NearestQuery:
    """The steps most similar to one sentence or SOURCE:STEP, best first."""

    query: str
    rows: tuple[Neighbour, ...]


@dataclass(frozen=True, slots=True)
class NearestTable(SavedResult):
    """by: the vectors compared, "z" or "c"."""

    by: str
    queries: tuple[NearestQuery, ...]

    def records(self) -> Sequence[Mapping[str, object]]:
        return [{"query": query.query, **flat(row)} for query in self.queries for row in query.rows]

    def tables(self) -> Sequence[TextTable]:
        made = []
        for query in self.queries:
            width = len(_HEADER) if any(row.sentence for row in query.rows) else len(_HEADER) - 1
            cells = [(str(row.rank), f"{row.cosine:.3f}", str(row.step), row.source, row.sentence) for row in query.rows]
            made.append(TextTable(_HEADER[:width], [row[:width] for row in cells], f"nearest to: {query.query}"))
        return made
