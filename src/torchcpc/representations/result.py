"""Results: the representations of sources, and the steps that are most similar to a query."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from torchcpc.results import Array, SavedResult, flat
from torchcpc.text_table import TextTable

# The text of an embedding shows this many rows.
_SHOWN = 5
_HEADER = ("rank", "cosine", "step", "source", "sentence")


# The columns of an embedding besides its labels. A csv also has z_0, z_1, and so on.
_OWN = re.compile(r"source|sequence|step|time_s|[zc](_\d+)?")


def column_names(labels: Iterable[str]) -> dict[str, str]:
    """Return the column of each label in a table of rows.

    A label whose name is already taken there is called label_NAME.

    Args:
        labels: The names of the labels.

    Returns:
        The column by the name of the label.
    """
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
    """The representations of steps or of whole sources, with their labels.

    There is one row for each step, or with per="source" one row for each source. M is the number of rows.

    Attributes:
        per: What a row is, "step" or "source". The row of a source is the mean over its steps.
        z: The encoder's output, [M, D].
        c: The context, [M, C].
        keys: The source of each row.
        sequence: The sequence of a picture, [M]. It is 0 for other data and -1 for whole sources.
        step: The number of the step, [M]. It is -1 for whole sources.
        time_s: When the row begins, [M]. The unit is seconds, or positions if the data have no clock.
        labels: The labels of each column, one for each row.
    """

    per: str
    z: Array
    c: Array
    keys: tuple[str, ...]
    sequence: Array
    step: Array
    time_s: Array
    labels: Mapping[str, tuple[str, ...]]

    def records(self) -> Sequence[Mapping[str, object]]:
        """Return one record for each row, with the names of the columns as keys."""
        places = {"sequence": self.sequence.tolist(), "step": self.step.tolist(), "time_s": self.time_s.tolist()}
        names = column_names(self.labels)
        labels = {names[label]: values for label, values in self.labels.items()}
        columns = {"source": self.keys, **places, **labels, "z": self.z, "c": self.c}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def tables(self) -> Sequence[TextTable]:
        """Return one table with the first rows."""
        names = column_names(self.labels)
        labels = {names[label]: values for label, values in self.labels.items()}
        columns = {"source": self.keys, "step": self.step, "time_s": self.time_s, **labels}
        shown = zip(*(values[:_SHOWN] for values in columns.values()), strict=True)
        rows = [[f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in row] for row in shown]
        size = f"z has {self.z.shape[1]} dimensions, c has {self.c.shape[1]}"
        caption = f"{len(self.keys)} rows, one per {self.per}, from {len(set(self.keys))} sources; {size}"
        left = len(self.keys) - len(rows)
        return [TextTable(list(columns), rows, caption, [f"... and {left} more"] if left else [])]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A step that is similar to a query.

    Attributes:
        rank: Its rank among the results of the query, from 1.
        cosine: Its cosine with the query.
        step: Its number in the source.
        source: The key of its source.
        sentence: Its text. It is empty if the data are not text.
    """

    rank: int
    cosine: float
    step: int
    source: str
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class NearestQuery:
    """The results of one query.

    Attributes:
        query: The sentence, or the step as SOURCE:STEP.
        rows: The most similar steps, the best first.
    """

    query: str
    rows: tuple[Neighbour, ...]


@dataclass(frozen=True, slots=True)
class NearestTable(SavedResult):
    """The steps that are most similar to some queries.

    Attributes:
        by: Which vectors were compared, "z" or "c".
        queries: The results of each query.
    """

    by: str
    queries: tuple[NearestQuery, ...]

    def records(self) -> Sequence[Mapping[str, object]]:
        """Return one record for each step that was found."""
        return [{"query": query.query, **flat(row)} for query in self.queries for row in query.rows]

    def tables(self) -> Sequence[TextTable]:
        """Return one table for each query."""
        made = []
        for query in self.queries:
            width = len(_HEADER) if any(row.sentence for row in query.rows) else len(_HEADER) - 1
            cells = [(str(row.rank), f"{row.cosine:.3f}", str(row.step), row.source, row.sentence) for row in query.rows]
            made.append(TextTable(_HEADER[:width], [row[:width] for row in cells], f"nearest to: {query.query}"))
        return made
