"""`cpc embed RUN DATA -o FILE`: the representations, per step or averaged per source, with keys and labels, as csv, parquet or npz."""

import argparse

from torchcpc.atomic import TABLES
from torchcpc.commands import options


def arguments(parser: argparse.ArgumentParser) -> None:
    options.run(parser, data="the data of the run")
    options.out(parser, "vectors, keys and labels: .csv, .parquet or .npz", required=True, suffixes=TABLES)
    parser.add_argument("--per", choices=("step", "source"), default="step", help="a row per step, or one per source (mean)")


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, note
    from torchcpc.contracts import counted

    run = load(arguments)
    rows, sources = run.write_embedding(arguments.out, arguments.data or None, per=arguments.per)
    note(
        f"{rows} rows (z: {run.model.encoder.dim}, c: {run.model.context.dim}) of {counted(sources, 'source')} in {arguments.out}"
    )
