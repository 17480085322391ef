"""`cpc information RUN [DATA]`: estimate the mutual information of contexts and future steps, in nats.

`cpc information X.npy Y.npy` estimates the mutual information of two arrays.
"""

import argparse
from pathlib import Path

from torchcpc.commands import options

ARRAYS = (".npy", ".npz", ".csv", ".tsv", ".parquet")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Estimate how many nats of information the context gives about each future step. Use it to see how far ahead your data can "
        "be predicted. It also estimates the mutual information of two arrays."
    )
    options.run(parser)
    parser.epilog = (
        "For two arrays, name the files X.npy and Y.npy (or .csv, .parquet) in place of RUN and DATA. Row i of "
        "both files is one pair."
    )
    options.add(parser, *options.PARTITION, options.FORMAT)


def run(arguments: argparse.Namespace) -> None:
    if Path(arguments.run).suffix in ARRAYS:
        of_arrays([arguments.run, *arguments.data], arguments.format)
        return
    from torchcpc.commands.terminal import load, show

    run = load(arguments)
    table = run.information(arguments.data or None, **options.values(arguments, *options.PARTITION))
    show(run, table, arguments.format)


def of_arrays(files: list[str], form: str) -> None:
    from torchcpc.commands.terminal import TERMINAL, note, output
    from torchcpc.contracts import CPCError
    from torchcpc.mutual import mutual_information, read_array
    from torchcpc.mutual.table import MutualInformation

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
    output(MutualInformation.of(found).formatted(form))
