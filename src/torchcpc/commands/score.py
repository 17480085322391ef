"""`cpc score RUN DATA -o FILE`: score how well each future step fits its context, in nats."""

import argparse
from pathlib import Path

from torchcpc.atomic import TABLES
from torchcpc.commands import options


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Score how well each future step fits its context: log p(x | context) / p(x), the pointwise mutual information (PMI) in "
        "nats. Use it to find where your data are predictable or surprising. Half of the sources give log Z; the others are scored."
    )
    options.run(parser, data="half of the sources that the run held out")
    options.out(
        parser,
        "File for the PMI and the surprise (-PMI) of every step t and horizon k: .csv, .parquet or .npz.",
        suffixes=TABLES,
    )
    options.add(
        parser,
        ("picture", Path, None, "FILE", "File for a figure of the sorted scores of all candidates: .svg or .png."),
        ("k", int, None, "K", "Horizon of --picture (default: the first step that shares no input with its context)."),
        *options.PARTITION,
    )


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, note
    from torchcpc.contracts import CPCError

    if not (arguments.out or arguments.picture):
        raise CPCError("nothing to do: name a file with -o, or a --picture. `cpc rank` ranks the candidates of one context.")
    if arguments.picture:
        from torchcpc.report.panel import check_ending

        check_ending(arguments.picture)
    run = load(arguments)
    run.trained.horizon_index(arguments.k)
    scores = run.score(arguments.data or None, **options.values(arguments, *options.PARTITION))
    if arguments.out:
        note(f"{scores.write(arguments.out)} pairs (t, k) in {arguments.out}; {scores.estimate}")
    if arguments.picture:
        from torchcpc.report.information_figures import profiles
        from torchcpc.report.panel import save

        save(arguments.picture, profiles, *scores.profiles(arguments.k))
        note(f"picture: {arguments.picture}")
