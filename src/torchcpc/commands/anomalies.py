"""`cpc anomalies RUN DATA -o FILE`: the surprise of every row, alarms above a quantile of held-out rows, and a z-score to compare."""

import argparse

from torchcpc.commands import options


def arguments(parser: argparse.ArgumentParser) -> None:
    options.run(parser, data="what the run never saw")
    options.out(parser, "score and alarm of every row: .parquet or .npz")
    parser.add_argument("--label", metavar="COLUMN", help="row labels, above 0 where anomalous (data.row_labels)")
    parser.add_argument(
        "--smooth", type=int, default=1, metavar="ROWS", help="average of the last ROWS scores (default: %(default)s)"
    )
    parser.add_argument(
        "--reference", type=int, default=0, metavar="ROWS", help="the first ROWS of each source are normal (default: none)"
    )
    parser.add_argument(
        "--quantile", type=float, default=0.99, help="of the scores that set the threshold (default: %(default)s)"
    )
    options.partition(parser)


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, show
    from torchcpc.information.scoring import SampleSpec

    run = load(arguments)
    table = run.anomalies(
        arguments.data or None,
        out=arguments.out,
        label=arguments.label or "",
        smooth=arguments.smooth,
        reference=arguments.reference,
        quantile=arguments.quantile,
        sample=SampleSpec(**options.partition_of(arguments)),
    )
    show(run, table)
