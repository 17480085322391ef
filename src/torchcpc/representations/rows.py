"""Representations as rows, of steps or of sources, with what names and labels each row: in memory, or piece by piece for a file.

Columns: `source` (key), `sequence` (0, or which of a picture's columns), `step` (from 0), `time_s` (when the step begins, in
seconds; in positions where the data have no clock), the labels, `z` and `c` (float32 vectors). In a row for a whole source, sequence and
step are -1. Sources follow one another by length, not by name.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Unpack

import numpy as np

from torchcpc.contracts import CPCError, Model, RowLabelled, Sources, Timed, check_choice, provides
from torchcpc.data.keys import Keys
from torchcpc.representations.embed import Embedded, EmbedOptions, embed_all
from torchcpc.representations.result import Embedding, column_names
from torchcpc.representations.write import Rows

NOTHING = "nothing was embedded: every source is shorter than one step. Name longer sources."


def clock(sources: Sources, stride: int) -> Callable[[int, np.ndarray], np.ndarray]:
    """(source, its steps) -> when these, of `stride` positions, begin: by the time stamps of the source, or else counted from its start."""
    if provides(sources, Timed):
        return lambda source, step_T: sources.times(source)[step_T * stride]
    return lambda source, step_T: step_T * (stride / sources.rate)


def refuse_pictures(model: Model, why: str) -> None:
    """Raises CPCError for a model of pictures. why: the rest of the sentence, such as "cannot be ranked as one"."""
    if (sequences := model.encoder.layout.sequences) > 1:
        raise CPCError(f"a picture of {sequences} sequences {why}. Name a run of recordings, series or text.")


def find_step(
    name: str, model: Model, sources: Sources, indices: Sequence[int] | None = None, *, ahead: int = 0
) -> tuple[int, int]:
    """The number of the source and the step that `name`, SOURCE:STEP, stands for. indices: of the sources it may name; all by default.
    Raises CPCError where it is not there, or not `ahead` steps before the end, and for pictures, whose steps are many."""
    key, colon, number = name.rpartition(":")
    searched = range(len(sources)) if indices is None else indices
    keys = Keys.of(sources.items[i] for i in searched)
    place = keys.one(key) if colon and number.isdigit() else None
    if place is None:
        raise CPCError(f"{name!r}: expected SOURCE:STEP with a source that is searched, for instance {keys.keys[0]}:0.")
    source, key = searched[place], keys.keys[place]
    refuse_pictures(model, f"has many steps {name!r}")
    steps = sources.length(source) // model.encoder.stride
    if int(number) + ahead >= steps:
        last = f"last context for k = {ahead}" if ahead else "last"
        raise CPCError(f"{name!r}: {key} has {steps} steps, so its {last} is {steps - 1 - ahead}. Name an earlier step.")
    return source, int(number)


def embedding_rows(model: Model, sources: Sources, *, per: str = "step", **options: Unpack[EmbedOptions]) -> Iterator[Rows]:
    """The rows of all sources, piece by piece, each label in a column of its own (see `column_names`). per: "step", or "source" for the
    mean over its steps."""
    labelled = Labels(sources, model.encoder.stride, per)
    names = column_names(labelled.columns)
    for source, rows in _unlabelled(model, sources, per, options):
        labels = {names[column]: labelled.of(source, rows["step"], column) for column in labelled.columns}
        z, c = rows["z"], rows["c"]
        yield {**{name: rows[name] for name in ("source", "sequence", "step", "time_s")}, **labels, "z": z, "c": c}


def _unlabelled(model: Model, sources: Sources, per: str, options: EmbedOptions) -> Iterator[tuple[int, dict[str, Any]]]:
    """(source, the columns of some of its rows)."""
    check_choice("per", per, ("step", "source"))
    when, pieces = clock(sources, model.encoder.stride), embed_all(model, sources, **options)
    for source, z_TD, c_TC, first, sequence in pieces if per == "step" else _means(pieces):
        if steps := len(z_TD):
            step_T = np.arange(steps) + first
            place = {"source": [sources.items[source].key] * steps, "sequence": np.full(steps, sequence), "step": step_T}
            yield source, {**place, "time_s": when(source, np.maximum(step_T, 0)), "z": z_TD, "c": c_TC}


class Labels:
    """The labels of rows, as texts: those of their source, and for steps those of single rows of the data (data.row_labels). A step of
    several rows has the label of the first."""

    def __init__(self, sources: Sources, stride: int, per: str) -> None:
        self._rows = _row_labelled(sources) if per == "step" else None
        of_rows = self._rows.row_label_columns() if self._rows else ()
        names = {column for item in sources.items for column in item.labels} | {"group"}
        self._sources = {column: sources.labels(column) for column in sorted(names - set(of_rows))}
        self.columns, self._stride = [*self._sources, *of_rows], stride

    def of(self, source: int, step_T: np.ndarray, column: str) -> list[str]:
        """One label for each of the steps of a source."""
        if column in self._sources:
            return [self._sources[column][source]] * len(step_T)
        rows = self._rows.row_labels(source, column) if self._rows else None
        if rows is None:
            return [""] * len(step_T)
        return [_text(label) for label in rows[step_T * self._stride]]


def _row_labelled(sources: object) -> RowLabelled | None:
    return sources if provides(sources, RowLabelled) else None


def _text(label: object) -> str:
    """A label as it is written: 1 for 1.0, nothing for NaN."""
    if isinstance(label, float | np.floating):
        return "" if label != label else f"{label:g}" if float(label).is_integer() else str(label)
    return str(label)


def _means(embedded: Iterable[Embedded]) -> Iterator[Embedded]:
    """Whole sources as one row, those that came in pieces too."""
    for source, pieces in groupby(embedded, key=lambda piece: piece.source):
        count, z_D, c_C = 0, np.zeros(()), np.zeros(())
        for piece in pieces:
            count += len(piece.z_TD)
            z_D, c_C = z_D + piece.z_TD.sum(axis=0, dtype=np.float64), c_C + piece.c_TC.sum(axis=0, dtype=np.float64)
        if count:
            z_1D, c_1C = ((sum_D / count)[None].astype(np.float32) for sum_D in (z_D, c_C))
            yield Embedded(source, z_1D, c_1C, first_step=-1, sequence=-1)


def embed(model: Model, sources: Sources, *, per: str = "step", **options: Unpack[EmbedOptions]) -> Embedding:
    """The representations of all sources in memory, with every label column. Raises CPCError where no source has a step."""
    if not (pieces := list(_unlabelled(model, sources, per, options))):
        raise CPCError(NOTHING)
    labelled = Labels(sources, model.encoder.stride, per)
    return Embedding(
        per,
        keys=tuple(key for _, rows in pieces for key in rows["source"]),
        **{name: np.concatenate([rows[name] for _, rows in pieces]) for name in ("z", "c", "sequence", "step", "time_s")},
        labels={
            column: tuple(label for source, rows in pieces for label in labelled.of(source, rows["step"], column))
            for column in labelled.columns
        },
    )
