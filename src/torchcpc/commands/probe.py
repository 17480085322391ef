"""`cpc probe RUN DATA --label COLUMN`: predict labels from the representations, and compare with baselines."""

import argparse
from pathlib import Path
from textwrap import fill

from torchcpc.commands import options
from torchcpc.probes.exclusions import help_text

# The names are those of the fields of probes.ProbeSpec, without label and unit.
QUESTION: tuple[options.Option, ...] = (
    (
        "alignment",
        Path,
        None,
        "FILE",
        "Labels of frames: a csv file with the columns recording,start,end,LABEL or recording,sample,LABEL, or a text file with a "
        "label every 10 ms.",
    ),
    ("clip-seconds", float, 0.0, "S", "Cut recordings into clips of S seconds first (default: whole recordings)."),
    ("within", float, 0.0, "SHARE", "Train on this first share of each recording and test on the rest."),
    ("test-data", (str, "+"), [], "DATA", "Folders or files to test on; DATA is then for training only."),
    (
        "test-on",
        str,
        "",
        "COLUMN[=VALUE]",
        "Test on the sources with this VALUE and train on the others; without =VALUE, test on each value in turn.",
    ),
    (
        "validate-across",
        str,
        "",
        "COLUMN",
        "Select the penalty on values of COLUMN that are left out in turn, for a test on new values such as new speakers.",
    ),
    (
        "standardise-by",
        str,
        "",
        "COLUMN",
        "Normalise the mean and the variance per speaker, or per value of another COLUMN, without using labels.",
    ),
    (
        *("folds", int, None, "N"),
        "Use N-fold cross-validation; an inner cross-validation selects the penalty. Identical sentences share a fold. A split column "
        "replaces the folds (default: 10 for a table of sentences, else 0, a single split).",
    ),
    ("fold-by", str, "", "COLUMN", "Keep sources with the same value of COLUMN in one fold of --folds."),
    ("delay", float, 0.0, "S", "Label each frame by the moment S seconds before its centre."),
    (
        *("per-event", bool, False, ""),
        "Cut one clip of --clip-seconds for each event of --alignment, which ends --delay after the event.",
    ),
    ("every", int, 1, "N", "Use every N-th frame."),
    ("validation", float, 0.15, "SHARE", "Use this share of the sources outside the test for validation."),
    ("select-by", str, "accuracy", "NAME", "Select by accuracy or macro-F1 on the validation part."),
    (
        "class-weight",
        str,
        "none",
        "NAME",
        "Weight of the classes: none, or balanced, which gives rare classes the same weight.",
    ),
    ("pool", str, "mean+deviation", "NAME", "How the steps of a recording become one row: mean, mean+deviation or last."),
)
# The rows of the table. The names are those of the fields of probes.ProbeRows.
ROWS: tuple[options.Option, ...] = (
    ("seeds", int, 3, "N", "Average the untrained row over N untrained networks; 0 leaves it out."),
    ("draws", int, 5, "N", "Draw the labels N times at each point of the label-efficiency curve."),
    (
        *("full", bool, False, ""),
        "Add the MLP, the label-efficiency curve, the supervised row and the gap that CPC closes; the options below override it. Each "
        "of --seeds supervised networks trains for as long as the run did.",
    ),
    ("probes", (str, "+"), None, "NAME", "Probes to train: linear or MLP (default: linear; with --full both)."),
    ("baselines", (str, "*"), None, "NAME", "Handmade features to compare with (default: all of the domain)."),
    (
        *("supervised-steps", int, None, "N"),
        "Train the supervised row for at most N updates (default: 0, no such row; with --full as many as take the time of the run; "
        "1000 if that is unknown, or for several folds or test groups).",
    ),
    (
        *("supervised-curve", bool, False, ""),
        "Train the supervised row at each point of the curve, too; each point takes as long as the row, so use --curve 1 5 10.",
    ),
    (
        "curve",
        (int, "*"),
        None,
        "N",
        "Labels per class at the points of the label-efficiency curve (default: no curve; with --full 1 2 5 10 20 50 100).",
    ),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Measure how well simple models predict labels from the representations, compared with untrained networks and handmade "
        "features. Use it to see whether the training was worth it for your task. The default table holds linear probes; --full adds "
        "the rest."
    )
    options.run(parser, data="the data of the run")
    parser.add_argument("--label", required=True, help="Column of the labels, for instance speaker, digit or phone.")
    parser.add_argument(
        "--unit",
        choices=("recording", "frame"),
        help="Classify whole recordings or single frames (default: frame with --alignment, else recording).",
    )
    options.add(parser, options.FORMAT, options.SEED_RUNS, *QUESTION, *ROWS)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = fill(parser.description, 79)
    parser.epilog = (
        "Each finished row is saved in RUN/probe-rows. If you run the same command\nagain, it reuses those rows.\n\n"
        f"{help_text()}"
    )


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.probes.question import ProbeRows, ProbeSpec, check_options

    spec, rows = options.values(arguments, *QUESTION), ProbeRows(**options.values(arguments, *ROWS))
    spec |= {"label": arguments.label, "unit": arguments.unit, "delay_s": spec.pop("delay")}
    check_options(ProbeSpec(**spec), rows)
    from torchcpc.commands.terminal import load, load_seeds, show
    from torchcpc.report.results import check_kept

    run = load(arguments)
    run.trained.require_record()
    check_kept(run.folder)
    show(run, run.probe(arguments.data or None, rows=rows, seed_runs=load_seeds(arguments), **spec), arguments.format)
