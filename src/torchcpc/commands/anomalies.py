"""`cpc anomalies RUN DATA -o FILE`: score the surprise of every row and raise alarms, with a z-score as the baseline."""

import argparse

from torchcpc.atomic import TABLES
from torchcpc.commands import options

# The names are those of the fields of anomalies.AnomalySpec.
SPEC: tuple[options.Option, ...] = (
    (
        "label",
        str,
        "",
        "COLUMN",
        "Column of row labels (see data.row_labels) to compare the alarms with, or COLUMN=VALUE,VALUE to name the anomalous values.",
    ),
    ("smooth", int, 1, "ROWS", "Average each score over the last ROWS rows."),
    ("reference", int, 0, "ROWS", "Treat the first ROWS rows of each source as normal (default: none)."),
    ("quantile", float, 0.99, "Q", "Raise an alarm above this quantile of the scores of normal rows."),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Score how surprising each row of a sensor series is, and raise alarms above a quantile of normal rows. Use it to look for "
        "faults in new data from the same sensors. The table also shows a z-score: compare both on your data before you rely on "
        "either."
    )
    parser.epilog = (
        "With --label COLUMN, a row is anomalous if its label is above 0, or a word other than normal, ok and the like."
    )
    options.run(parser, data="the sources that the run never saw")
    options.out(parser, "File for the score and the alarm of every row: .csv, .parquet or .npz.", suffixes=TABLES)
    options.add(parser, *SPEC, *options.PARTITION, options.FORMAT)


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, show
    from torchcpc.information.scoring import SampleSpec

    run = load(arguments)
    spec, sample = options.values(arguments, *SPEC), SampleSpec(**options.values(arguments, *options.PARTITION))
    show(run, run.anomalies(arguments.data or None, out=arguments.out, sample=sample, **spec), arguments.format)
