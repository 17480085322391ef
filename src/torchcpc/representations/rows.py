"""Representations as rows, of steps or of sources, with what names and labels each row: in memory, or in a file, piece by piece.

Columns: `source` (key), `sequence` (0, or which of a picture's columns), `step` (from 0), `time_s` (when the step begins, in
seconds; in positions where the data have no clock), `z` and `c` (float32 vectors). In a row for a whole source, sequence and step
are -1. Sources follow one another by length, not by name.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import TypeAlias, Unpack

import numpy as np

from torchcpc.atomic import replacing
from torchcpc.contracts import CPCError, Model, Sources, Timed, check_choice, provides
from torchcpc.data.keys import Keys
from torchcpc.representations.embed import Embedded, EmbedOptions, embed_all
from torchcpc.representations.result import Embedding

Rows: TypeAlias = "Mapping[str, list[str] | np.ndarray]"
"""Some rows of a table: the values of each column."""

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
    """The rows of all sources, piece by piece. per: "step", or "source" for the mean over its steps."""
    check_choice("per", per, ("step", "source"))
    when, pieces = clock(sources, model.encoder.stride), embed_all(model, sources, **options)
    for source, z_TD, c_TC, first, sequence in pieces if per == "step" else _means(pieces):
        if steps := len(z_TD):
            step_T = np.arange(steps) + first
            place = {"source": [sources.items[source].key] * steps, "sequence": np.full(steps, sequence), "step": step_T}
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


def embed(model: Model, sources: Sources, *, per: str = "step", **options: Unpack[EmbedOptions]) -> Embedding:
    """The representations of all sources in memory, with every label column. Raises CPCError where no source has a step."""
    if not (pieces := list(embedding_rows(model, sources, per=per, **options))):
        raise CPCError(NOTHING)
    keys = tuple(key for rows in pieces for key in rows["source"])
    number = {item.key: index for index, item in enumerate(sources.items)}
    columns = {column for item in sources.items for column in item.labels} | {"group"}
    labels = {column: sources.labels(column) for column in sorted(columns)}
    return Embedding(
        per,
        keys=keys,
        **{name: np.concatenate([rows[name] for rows in pieces]) for name in ("z", "c", "sequence", "step", "time_s")},
        labels={column: tuple(values[number[key]] for key in keys) for column, values in labels.items()},
    )


def _parquet(path: Path, pieces: Iterable[Rows]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def column(name: str, values: np.ndarray | list[str]) -> pa.Array:
        if name not in ("z", "c"):
            return pa.array(values)
        return pa.FixedSizeListArray.from_arrays(pa.array(np.ravel(values), pa.float32()), np.shape(values)[1])

    writer, count = None, 0
    with ExitStack() as opened:
        for rows in pieces:
            table = pa.table({name: column(name, values) for name, values in rows.items()})
            writer = writer or opened.enter_context(pq.ParquetWriter(path, table.schema))
            writer.write_table(table)
            count += len(table)
    return count


def _npz(path: Path, pieces: Iterable[Rows]) -> int:
    if not (held := list(pieces)):
        return 0
    columns = {name: np.concatenate([np.asarray(rows[name]) for rows in held]) for name in held[0]}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **columns)
    return len(columns["source"])


def _csv(path: Path, pieces: Iterable[Rows]) -> int:
    import pyarrow as pa
    import pyarrow.csv

    tables = [pa.table(dict(rows)) for rows in pieces]
    if tables:
        pyarrow.csv.write_csv(pa.concat_tables(tables), path)
    return sum(map(len, tables))


Writers = dict[str, Callable[[Path, Iterable[Rows]], int]]
WRITERS: Writers = {".parquet": _parquet, ".npz": _npz}
# For rows of single values, which a line of text can hold.
TABLES: Writers = {".csv": _csv, **WRITERS}


def write_rows(path: Path, pieces: Iterable[Rows], *, nothing: str, writers: Writers = WRITERS) -> int:
    """Writes every piece and returns the number of rows. Raises CPCError with the text `nothing` where there is no row."""
    if path.suffix not in writers:
        raise CPCError(f"{path}: cannot tell the format from {path.suffix!r}. End the name in {' or '.join(writers)}.")
    with replacing(path) as partial:
        count = writers[path.suffix](partial, (piece for piece in pieces if len(piece["step"])))
        if not count:
            raise CPCError(nothing)
    return count
