"""`cpc anomalies RUN DATA -o FILE`: the surprise of every row, alarms above a quantile of held-out rows, and a z-score to compare."""

import argparse

from torchcpc.atomic import TABLES
from torchcpc.commands import options

# Fields of anomalies.AnomalySpec.
SPEC: tuple[options.Option, ...] = (
    (
        "label",
        str,
        "",
        "COLUMN",
        "row labels (data.row_labels), numbers above 0 or words where anomalous; COLUMN=VALUE names the words",
    ),
    ("smooth", int, 1, "ROWS", "average of the last ROWS scores"),
    ("reference", int, 0, "ROWS", "the first ROWS of each source are normal (default: none)"),
    ("quantile", float, 0.99, "Q", "of the scores that set the threshold"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    options.run(parser, data="what the run never saw")
    options.out(parser, "score and alarm of every row: .csv, .parquet or .npz", suffixes=TABLES)
    options.add(parser, *SPEC, *options.PARTITION, options.FORMAT)


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, show
    from torchcpc.information.scoring import SampleSpec

    run = load(arguments)
    spec, sample = options.values(arguments, *SPEC), SampleSpec(**options.values(arguments, *options.PARTITION))
    show(run, run.anomalies(arguments.data or None, out=arguments.out, sample=sample, **spec), arguments.format)
