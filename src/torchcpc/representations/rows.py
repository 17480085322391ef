"""Representations as rows, of steps or of sources, with what names and labels each row: for a file, or in memory.

Columns: `source` (key), `sequence` (0, or which of a picture's columns), `step` (from 0), `time_s` (when the step begins, in
seconds; in positions where the data have no clock), `z` and `c` (float32 vectors). In a row for a whole source, sequence and step
are -1. Sources follow one another by length, not by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import TypeAlias

import numpy as np

from torchcpc.contracts import CPCError, Model, Progress, Sources, Timed, provides, silent
from torchcpc.representations.embed import Embedded, embed_all
from torchcpc.representations.result import Embedding

Rows: TypeAlias = "Mapping[str, list[str] | np.ndarray]"
"""Some rows of a table: the values of each column."""
Clock: TypeAlias = Callable[[int, np.ndarray], np.ndarray]
"""(source, its steps) -> when these begin."""

NOTHING = "nothing was embedded: every source is shorter than one step. Name longer sources."


def clock(sources: Sources, stride: int) -> Clock:
    """When steps of `stride` positions begin: by the time stamps of the source, or else counted from its start."""
    if provides(sources, Timed):
        return lambda source, step_T: sources.times(source)[step_T * stride]
    return lambda source, step_T: step_T * (stride / sources.rate)


def embedding_rows(
    model: Model, sources: Sources, *, per: str = "step", device: str = "cpu", progress: Progress = silent
) -> Iterator[Rows]:
    """The rows of all sources, piece by piece. per: "step", or "source" for the mean over its steps."""
    if per not in ("step", "source"):
        raise CPCError(f"per = {per!r} is unknown. Choose step or source.")
    keys, when = [item.key for item in sources.items], clock(sources, model.encoder.stride)
    pieces = embed_all(model, sources, device=device, progress=progress)
    for source, z_TD, c_TC, first, sequence in pieces if per == "step" else _means(pieces):
        if steps := len(z_TD):
            step_T = np.arange(steps) + first
            place = {"source": [keys[source]] * steps, "sequence": np.full(steps, sequence), "step": step_T}
            yield {**place, "time_s": when(source, np.maximum(step_T, 0)), "z": z_TD, "c": c_TC}


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


def embed(model: Model, sources: Sources, *, per: str = "step", device: str = "cpu", progress: Progress = silent) -> Embedding:
    """The representations of all sources in memory, with every label column. Raises CPCError where no source has a step."""
    pieces = list(embedding_rows(model, sources, per=per, device=device, progress=progress))
    if not pieces:
        raise CPCError(NOTHING)
    keys = tuple(key for rows in pieces for key in rows["source"])
    number = {item.key: index for index, item in enumerate(sources.items)}
    labels = {column: sources.labels(column) for column in sorted({column for item in sources.items for column in item.labels})}
    return Embedding(
        per,
        keys=keys,
        **{name: np.concatenate([rows[name] for rows in pieces]) for name in ("z", "c", "sequence", "step", "time_s")},
        labels={column: tuple(values[number[key]] for key in keys) for column, values in labels.items()},
    )
