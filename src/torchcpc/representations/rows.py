"""Representations as table rows, in memory or piece by piece for a file.

Each row describes a step or a whole source. These are the columns:

- `source`: the key of the source
- `sequence`: the sequence of a picture, and 0 for other data
- `step`: the number of the step, from 0
- `time_s`: when the step begins, in seconds, or in positions if the data have no clock
- the labels, one column each
- `z` and `c`: float32 vectors

For a whole source, `sequence` and `step` are -1. Sources are ordered by length, not by name.
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
    """Return a function that maps a source and its steps to the times when these begin.

    Times come from the time stamps of the source, or are counted from its start.

    Args:
        sources: The sources.
        stride: The positions of one step.
    """
    if provides(sources, Timed):
        return lambda source, step_T: sources.times(source)[step_T * stride]
    return lambda source, step_T: step_T * (stride / sources.rate)


def refuse_pictures(model: Model, why: str) -> None:
    """Raise CPCError for a model of pictures.

    Args:
        model: The model.
        why: The rest of the sentence, for example "cannot be ranked as one".
    """
    if (sequences := model.encoder.layout.sequences) > 1:
        raise CPCError(f"a picture of {sequences} sequences {why}. Name a run of recordings, series or text.")


def find_step(
    name: str, model: Model, sources: Sources, indices: Sequence[int] | None = None, *, ahead: int = 0
) -> tuple[int, int]:
    """Find a step by its name SOURCE:STEP.

    Args:
        name: The name.
        model: The model.
        sources: The sources.
        indices: The numbers of the sources that the name may mean. Default: all.
        ahead: How many steps must follow in the source.

    Returns:
        The number of the source and the number of the step.

    Raises:
        CPCError: If there is no such step, if too few steps follow, or if the model is one of pictures.
    """
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
    """Yield the rows of all sources piece by piece.

    Each label has its own column, named by `column_names`.

    Args:
        model: The model.
        sources: The sources.
        per: "step", or "source" for the mean over its steps.
        **options: The options of `embed_all`.
    """
    labelled = Labels(sources, model.encoder.stride, per)
    names = column_names(labelled.columns)
    for source, rows in _unlabelled(model, sources, per, options):
        labels = {names[column]: labelled.of(source, rows["step"], column) for column in labelled.columns}
        z, c = rows["z"], rows["c"]
        yield {**{name: rows[name] for name in ("source", "sequence", "step", "time_s")}, **labels, "z": z, "c": c}


def _unlabelled(model: Model, sources: Sources, per: str, options: EmbedOptions) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number of a source with the columns of some of its rows."""
    check_choice("per", per, ("step", "source"))
    when, pieces = clock(sources, model.encoder.stride), embed_all(model, sources, **options)
    for source, z_TD, c_TC, first, sequence in pieces if per == "step" else _means(pieces):
        if steps := len(z_TD):
            step_T = np.arange(steps) + first
            place = {"source": [sources.items[source].key] * steps, "sequence": np.full(steps, sequence), "step": step_T}
            yield source, {**place, "time_s": when(source, np.maximum(step_T, 0)), "z": z_TD, "c": c_TC}


class Labels:
    """The labels of rows, as texts.

    Each row has the labels of its source. A step also has the labels of single rows of the data (`data.row_labels`).
    If a step covers several rows, it has the label of the first.

    Args:
        sources: The sources.
        stride: The positions of one step.
        per: What a row is, "step" or "source".
    """

    def __init__(self, sources: Sources, stride: int, per: str) -> None:
        self._rows = _row_labelled(sources) if per == "step" else None
        of_rows = self._rows.row_label_columns() if self._rows else ()
        names = {column for item in sources.items for column in item.labels} | {"group"}
        self._sources = {column: sources.labels(column) for column in sorted(names - set(of_rows))}
        self.columns, self._stride = [*self._sources, *of_rows], stride

    def of(self, source: int, step_T: np.ndarray, column: str) -> list[str]:
        """Return one label for each of the steps `step_T` of a source."""
        if column in self._sources:
            return [self._sources[column][source]] * len(step_T)
        rows = self._rows.row_labels(source, column) if self._rows else None
        if rows is None:
            return [""] * len(step_T)
        return [_text(label) for label in rows[step_T * self._stride]]


def _row_labelled(sources: object) -> RowLabelled | None:
    return sources if provides(sources, RowLabelled) else None


def _text(label: object) -> str:
    """Return a label as text, with "1" for 1.0 and "" for NaN."""
    if isinstance(label, float | np.floating):
        return "" if label != label else f"{label:g}" if float(label).is_integer() else str(label)
    return str(label)


def _means(embedded: Iterable[Embedded]) -> Iterator[Embedded]:
    """Yield each source as one row, the mean over its steps. Its steps may come in pieces."""
    for source, pieces in groupby(embedded, key=lambda piece: piece.source):
        count, z_D, c_C = 0, np.zeros(()), np.zeros(())
        for piece in pieces:
            count += len(piece.z_TD)
            z_D, c_C = z_D + piece.z_TD.sum(axis=0, dtype=np.float64), c_C + piece.c_TC.sum(axis=0, dtype=np.float64)
        if count:
            z_1D, c_1C = ((sum_D / count)[None].astype(np.float32) for sum_D in (z_D, c_C))
            yield Embedded(source, z_1D, c_1C, first_step=-1, sequence=-1)


def embed(model: Model, sources: Sources, *, per: str = "step", **options: Unpack[EmbedOptions]) -> Embedding:
    """Return the representations of all sources in memory, with every label.

    Args:
        model: The model.
        sources: The sources.
        per: "step", or "source" for the mean over its steps.
        **options: The options of `embed_all`.

    Raises:
        CPCError: If no source has a step.
    """
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
