"""`cpc score RUN DATA -o FILE`: how well each true future fits its context, in nats; and a picture of peaks and plateaus."""

import argparse
from pathlib import Path

from torchcpc.atomic import TABLES
from torchcpc.commands import options


def arguments(parser: argparse.ArgumentParser) -> None:
    options.run(parser, data="half of what the run held out")
    options.out(parser, "PMI and surprise (-PMI) of every t and k: .csv, .parquet or .npz", suffixes=TABLES)
    options.add(
        parser,
        ("picture", Path, None, "FILE", "sorted scores of candidates by context, as .svg or .png"),
        ("k", int, None, "K", "steps ahead of --picture (default: first without overlap)"),
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
