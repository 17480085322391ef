"""`cpc information RUN [DATA]`: what contexts say about the steps ahead, in nats; `cpc information X.npy Y.npy`: of any two arrays."""

import argparse
from pathlib import Path

from torchcpc.commands import options

ARRAYS = (".npy", ".npz", ".csv", ".tsv", ".parquet")


def arguments(parser: argparse.ArgumentParser) -> None:
    options.run(parser)
    parser.epilog = (
        "With X.npy Y.npy (.csv, .parquet) in place of RUN and DATA: mutual information of two arrays, paired row by row."
    )
    options.add(parser, *options.PARTITION, options.FORMAT)


def run(arguments: argparse.Namespace) -> None:
    if Path(arguments.run).suffix in ARRAYS:
        of_arrays([arguments.run, *arguments.data])
        return
    from torchcpc.commands.terminal import load, show

    run = load(arguments)
    table = run.information(arguments.data or None, **options.values(arguments, *options.PARTITION))
    show(run, table, arguments.format)


def of_arrays(files: list[str]) -> None:
    from torchcpc.commands.terminal import TERMINAL, note, output
    from torchcpc.contracts import CPCError
    from torchcpc.mutual import mutual_information, read_array

    if len(files) != 2:
        raise CPCError(f"{len(files)} array files: name two, X.npy and Y.npy (or .csv, .parquet), with one row per pair.")
    (x, _), (y, _) = read = [read_array(Path(file)) for file in files]
    for file, (_, notes) in zip(files, read, strict=True):
        for said in notes:
            note(f"note: {file}: {said}")
    if len(x) != len(y):
        raise CPCError(f"{files[0]} has {len(x)} rows and {files[1]} has {len(y)}: row i of both must be one pair.")
    with TERMINAL.stage("measuring") as progress:
        found = mutual_information(x, y, progress=progress)
    detail = found.detail
    # First what is odd about the rows: whoever reads the number has read it.
    for warning in detail["warnings"]:
        output(f"warning: {warning}")
    holds = "95 %" if detail["independent_rows"] == found.n else "no 95 % interval, for the rows depend on one another"
    interval = f"{found.low:.3f} to {found.high:.3f}, {holds}"
    output(f"I(x; y) = {found.value:.3f} nats ({interval}) = {detail['bits']:.3f} bits, n = {found.n}")
    ceiling = f"its ceiling log {detail['candidates']} = {detail['ceiling']:.2f}"
    output(f"lower bound {detail['lower_bound']:.3f} nats, {ceiling}; {detail['method']}")
