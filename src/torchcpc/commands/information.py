"""`cpc information RUN [DATA]`: what contexts say about the steps ahead, in nats; `cpc information X.npy Y.npy`: of any two arrays."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from torchcpc.commands import partition

ARRAYS = (".npy", ".csv", ".parquet")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="folder of a run; or X.npy (.csv, .parquet), paired row by row with Y.npy")
    parser.add_argument("data", nargs="*", metavar="DATA", help="folders or manifests (default: what the run held out)")
    partition.arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    if Path(arguments.run).suffix in ARRAYS:
        of_arrays([arguments.run, *arguments.data])
    else:
        of_run(arguments)


def of_arrays(files: list[str]) -> None:
    import torchcpc
    from torchcpc.commands.progress import bar, output
    from torchcpc.contracts import CPCError

    if len(files) != 2:
        raise CPCError(f"{len(files)} array files: name two, X.npy and Y.npy (or .csv, .parquet), with one row per pair.")
    x, y = (load(Path(file)) for file in files)
    if len(x) != len(y):
        raise CPCError(f"{files[0]} has {len(x)} rows and {files[1]} has {len(y)}: row i of both must be one pair.")
    with bar("measuring") as progress:
        found = torchcpc.mutual_information(x, y, progress=progress)
    detail = found.detail
    output.print(
        f"I(x; y) = {found.value:.3f} nats ({found.low:.3f} to {found.high:.3f}, 95 %) = {detail['bits']:.3f} bits, n = {found.n}"
    )
    ceiling = f"its ceiling log {detail['candidates']} = {detail['ceiling']:.2f}"
    output.print(f"lower bound {detail['lower_bound']:.3f} nats, {ceiling}; {detail['method']}")
    for warning in detail["warnings"]:
        output.print(f"warning: {warning}", markup=False)


def load(path: Path) -> Any:
    """A numeric array of at least one row from an .npy, .csv (header, commas) or .parquet file, without running what it may hold."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    from torchcpc.contracts import CPCError

    def columns(table: pa.Table) -> np.ndarray:
        return np.stack([column.to_numpy() for column in table.columns], axis=1)

    readers = {
        ".npy": lambda: np.load(path, allow_pickle=False),
        ".csv": lambda: columns(pyarrow.csv.read_csv(path)),
        ".parquet": lambda: columns(pyarrow.parquet.ParquetFile(path).read()),
    }
    if path.suffix not in readers:
        raise CPCError(f"{path}: an array is read from {', '.join(readers)}. Save it as one of these.")
    try:
        array = readers[path.suffix]()
    except (OSError, ValueError, EOFError, pa.ArrowException) as error:
        raise CPCError(f"{path} cannot be read as an {path.suffix} array ({error}): save it again, numbers only.") from None
    if array.ndim < 1 or not len(array) or not np.issubdtype(array.dtype, np.number):
        raise CPCError(f"{path} holds {array.dtype} of shape {array.shape}: expected numbers [pairs, ...].")
    return array


def of_run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.progress import bar, console
    from torchcpc.commands.sources import open_sources
    from torchcpc.information.calibrating import (
        cautions,
        first_new,
        halves,
        held_out_halves,
        record,
        table,
        truth_of,
        write_record,
    )
    from torchcpc.information.measure import information
    from torchcpc.information.score_profiles import peaks
    from torchcpc.report import build
    from torchcpc.runs.pretrain import read_run
    from torchcpc.runs.saved import from_pretrained

    folder = Path(arguments.run)
    described = read_run(folder)
    model, config = from_pretrained(folder)
    model = model.to(arguments.device)
    sources = open_sources(config["data"], arguments.data or described["roots"])
    if arguments.data:
        parts = halves(sources, range(len(sources)), "the sources named", seed=described["seed"])
    else:
        parts = held_out_halves(sources, described)
    sample = partition.draw(arguments, model, sources, parts.partition, described)
    truth = truth_of(config["data"], sources, sample.proposal)
    with bar("measuring") as show:
        measured = information(model, sample, sources, parts.evaluated, truth=truth, device=arguments.device, progress=show)
    index = first_new(model)
    drawn = peaks(model, sample, measured.steps, index=index)
    said = cautions(measured, described["settings"]["candidates"].get("strategy"))
    kept = record(measured, said, parts.origin, sources, model, drawn, model.predictor.horizons[index])
    write_record(folder, kept)
    console.print(table(kept), markup=False)
    console.print(f"report: {build(folder)}")
