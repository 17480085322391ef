"""Representations on disk: a parquet table or an npz archive, written piece by piece and put in place only when complete.

Columns (parquet) and arrays (npz) are the same: `source` (key), `sequence` (0, or which of a picture's columns; -1
for a whole source), `step` (from 0; -1 for a whole source), `time_s` (start of the step in seconds: as its rows are stamped, else from the
start of the source; rows where the data has no rate), `z` and `c` (float32 vectors). Sources follow one another by length, not by name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from torchcpc.contracts import CPCError
from torchcpc.representations.embed import Embedded

Rows = dict[str, Any]
# (source, its steps) -> when these begin.
Clock = Callable[[int, np.ndarray], np.ndarray]


def clock(sources: Any, stride: int) -> Clock:
    """When steps of `stride` positions begin: as the rows of a series are stamped, for others counted from the start of the source."""
    if stamped := getattr(sources, "times", None):
        return lambda source, step_T: stamped(source)[step_T * stride]
    return lambda source, step_T: step_T * (stride / sources.rate)


def step_rows(embedded: Iterable[Embedded], keys: Sequence[str], when: Clock) -> Iterator[Rows]:
    """One row per step."""
    for piece in embedded:
        steps = np.arange(len(piece.z_TD)) + piece.first_step
        source = [keys[piece.source]] * len(steps)
        place = {"source": source, "sequence": np.full(len(steps), piece.sequence), "step": steps}
        yield {**place, "time_s": when(piece.source, steps), "z": piece.z_TD, "c": piece.c_TC}


def source_rows(embedded: Iterable[Embedded], keys: Sequence[str], when: Clock) -> Iterator[Rows]:
    """One row per source: the mean over its steps, also where it came in pieces."""
    for source, pieces in groupby(embedded, key=lambda piece: piece.source):
        count, z_D, c_C = 0, np.zeros(()), np.zeros(())
        for piece in pieces:
            count += len(piece.z_TD)
            z_D, c_C = z_D + piece.z_TD.sum(axis=0, dtype=np.float64), c_C + piece.c_TC.sum(axis=0, dtype=np.float64)
        if count:
            mean = {"z": (z_D / count)[None].astype(np.float32), "c": (c_C / count)[None].astype(np.float32)}
            place = {"source": [keys[source]], "sequence": np.array([-1]), "step": np.array([-1])}
            yield {**place, "time_s": when(source, np.array([0])), **mean}


def _vectors(matrix: np.ndarray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1), pa.float32()), matrix.shape[1])


def _parquet(path: Path, pieces: Iterable[Rows]) -> int:
    writer, count = None, 0
    try:
        for rows in pieces:
            columns = {name: _vectors(values) if name in "zc" else pa.array(values) for name, values in rows.items()}
            table = pa.table(columns)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            count += len(table)
    finally:
        if writer is not None:
            writer.close()
    return count


def _npz(path: Path, pieces: Iterable[Rows]) -> int:
    kept = list(pieces)
    if not kept:
        return 0
    columns = {name: np.concatenate([np.asarray(rows[name]) for rows in kept]) for name in kept[0]}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **columns)
    return len(columns["source"])


def _csv(path: Path, pieces: Iterable[Rows]) -> int:
    tables = [pa.table(rows) for rows in pieces]
    if tables:
        pyarrow.csv.write_csv(pa.concat_tables(tables), path)
    return sum(map(len, tables))


Writers = dict[str, Callable[[Path, Iterable[Rows]], int]]
WRITERS: Writers = {".parquet": _parquet, ".npz": _npz}
# For rows of single values, which a line of text can hold.
TABLES: Writers = {".csv": _csv, **WRITERS}


def write(
    path: Path,
    embedded: Iterable[Embedded],
    keys: Sequence[str],
    *,
    rows: Callable[[Iterable[Embedded], Sequence[str], Clock], Iterator[Rows]] = step_rows,
    when: Clock,
) -> int:
    """Writes all of `embedded` and returns the number of rows. An unfinished file never bears the final name."""
    return write_rows(path, rows(embedded, keys, when), nothing="nothing was embedded: every source is shorter than one step.")


def write_rows(path: Path, pieces: Iterable[Rows], *, nothing: str, writers: Writers = WRITERS) -> int:
    """Writes every piece and returns the number of rows; `nothing` is what the CPCError says where there is none."""
    if path.suffix not in writers:
        raise CPCError(f"{path}: cannot tell the format from {path.suffix!r}. End the name in {' or '.join(writers)}.")
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        count = writers[path.suffix](partial, (piece for piece in pieces if len(piece["step"])))
        if not count:
            raise CPCError(nothing)
        os.replace(partial, path)
    except OSError as error:
        raise CPCError(f"cannot write {path}: {error.strerror or error}. Free some space or choose another place.") from None
    finally:
        partial.unlink(missing_ok=True)
    return count
