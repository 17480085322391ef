"""`cpc embed RUN DATA -o FILE`: write the representations, with keys and labels, to a csv, parquet or npz file."""

import argparse

from torchcpc.atomic import TABLES
from torchcpc.commands import options


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write the representations of your data to a file, with the key and the labels of each source. Use it to work with them in "
        "another program. z is what the encoder makes of one step; c also holds the past of that step."
    )
    options.run(parser, data="the data of the run")
    options.out(parser, "File for the vectors, keys and labels: .csv, .parquet or .npz.", required=True, suffixes=TABLES)
    parser.add_argument(
        "--per",
        choices=("step", "source"),
        default="step",
        help="Write one row per step, or one row per source with the mean over its steps (default: step).",
    )


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, note
    from torchcpc.contracts import counted

    run = load(arguments)
    rows, sources = run.write_embedding(arguments.out, arguments.data or None, per=arguments.per)
    note(
        f"{rows} rows (z: {run.model.encoder.dim}, c: {run.model.context.dim}) of {counted(sources, 'source')} in {arguments.out}"
    )
