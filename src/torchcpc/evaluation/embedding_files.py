"""Representations on disk: a parquet table or an npz archive, written piece by piece and put in place only when complete.

Columns (parquet) and arrays (npz) are the same: `source` (key), `step` (from 0; -1 for a whole source), `time_s` (start of the step in
seconds, or rows where the data has no rate), `z` and `c` (float32 vectors). Sources follow one another by length, not by name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from torchcpc.contracts import CPCError
from torchcpc.evaluation.embedding import Embedded

Rows = dict[str, Any]


def step_rows(embedded: Embedded, key: str, seconds_per_step: float) -> Rows:
    """One row per step."""
    steps = np.arange(len(embedded.z_TD)) + embedded.first_step
    return {
        "source": [key] * len(steps),
        "step": steps,
        "time_s": steps * seconds_per_step,
        "z": embedded.z_TD,
        "c": embedded.c_TC,
    }


def source_rows(embedded: Embedded, key: str, seconds_per_step: float) -> Rows:
    """One row: the mean over the steps of a source."""
    mean = {"z": embedded.z_TD.mean(axis=0, keepdims=True), "c": embedded.c_TC.mean(axis=0, keepdims=True)}
    return {"source": [key], "step": np.array([-1]), "time_s": np.array([0.0]), **mean}


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


WRITERS: dict[str, Callable[[Path, Iterable[Rows]], int]] = {".parquet": _parquet, ".npz": _npz}


def write(
    path: Path,
    embedded: Iterable[Embedded],
    keys: Sequence[str],
    *,
    rows: Callable[[Embedded, str, float], Rows] = step_rows,
    seconds_per_step: float,
) -> int:
    """Writes all of `embedded` and returns the number of rows. An unfinished file never bears the final name."""
    if path.suffix not in WRITERS:
        raise CPCError(f"{path}: cannot tell the format from {path.suffix!r}. End the name in {' or '.join(WRITERS)}.")
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        count = WRITERS[path.suffix](partial, (rows(e, keys[e.source], seconds_per_step) for e in embedded if len(e.z_TD)))
        if not count:
            raise CPCError("nothing was embedded: every source is shorter than one step.")
        os.replace(partial, path)
    except OSError as error:
        raise CPCError(f"cannot write {path}: {error.strerror or error}. Free some space or choose another place.") from None
    finally:
        partial.unlink(missing_ok=True)
    return count
