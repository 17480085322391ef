"""Rows on disk: a parquet table, an npz archive or a csv, written piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from torchcpc.atomic import replacing
from torchcpc.contracts import CPCError, Model, Progress, Sources, silent
from torchcpc.representations.rows import NOTHING, Rows, embedding_rows


def _vectors(matrix: np.ndarray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1), pa.float32()), matrix.shape[1])


def _parquet(path: Path, pieces: Iterable[Rows]) -> int:
    writer, count = None, 0
    try:
        for rows in pieces:
            columns = {
                name: _vectors(np.asarray(values)) if name in "zc" else pa.array(values) for name, values in rows.items()
            }
            table = pa.table(columns)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            count += len(table)
    finally:
        if writer is not None:
            writer.close()
    return count


def _npz(path: Path, pieces: Iterable[Rows]) -> int:
    held = list(pieces)
    if not held:
        return 0
    columns = {name: np.concatenate([np.asarray(rows[name]) for rows in held]) for name in held[0]}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **columns)
    return len(columns["source"])


def _csv(path: Path, pieces: Iterable[Rows]) -> int:
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


def write_embedding(
    path: Path, model: Model, sources: Sources, *, per: str = "step", device: str = "cpu", progress: Progress = silent
) -> int:
    """Writes the rows of all sources in bounded memory (parquet) and returns their number."""
    return write_rows(path, embedding_rows(model, sources, per=per, device=device, progress=progress), nothing=NOTHING)
