"""`cpc probe RUN DATA --label COLUMN`: how much simple models read off the representations, compared with baselines."""

import argparse
from pathlib import Path
from textwrap import fill

from torchcpc.commands import options
from torchcpc.probes.exclusions import help_text

# What is asked: fields of probes.ProbeSpec, besides label and unit.
QUESTION: tuple[options.Option, ...] = (
    (
        "alignment",
        Path,
        None,
        "FILE",
        "frame labels: csv recording,start,end,LABEL or recording,sample,LABEL, or 10 ms txt",
    ),
    ("clip-seconds", float, 0.0, "S", "first cut recordings into clips this long (default: whole)"),
    ("within", float, 0.0, "SHARE", "train on the first share of each recording, test on the rest"),
    ("test-data", (str, "+"), [], "DATA", "folders or files to test on; DATA is then for training only"),
    (
        "test-on",
        str,
        "",
        "COLUMN[=VALUE]",
        "test on the sources with this value, train on the others; without =VALUE, each value in turn",
    ),
    (
        "validate-across",
        str,
        "",
        "COLUMN",
        "select penalties by leaving out one value of COLUMN after another; fits a test on new values",
    ),
    (
        "standardise-by",
        str,
        "",
        "COLUMN",
        "per-speaker mean and variance normalisation of every row, or by another COLUMN; uses no label",
    ),
    (
        *("folds", int, None, "N"),
        "N-fold cross-validation; an inner cross-validation selects the penalty. Identical sentences share a fold. A split column replaces "
        "the folds (default: 10 for a table of sentences, else 0: a single split)",
    ),
    ("fold-by", str, "", "COLUMN", "with --folds: sources with the same value of COLUMN share a fold"),
    ("delay", float, 0.0, "S", "label each frame by what lies S seconds before its centre"),
    ("per-event", bool, False, "", "one clip of --clip-seconds for each event of --alignment; it ends --delay after the event"),
    ("every", int, 1, "N", "use every N-th frame"),
    ("validation", float, 0.15, "SHARE", "of the sources outside the test"),
    ("select-by", str, "accuracy", "NAME", "what the validation part is judged by: accuracy or macro-F1"),
    ("class-weight", str, "none", "NAME", "none, or balanced: rare classes count as much as common ones"),
    ("pool", str, "mean+deviation", "NAME", "mean, mean+deviation, last"),
)
# What stands in the table: fields of probes.ProbeRows.
ROWS: tuple[options.Option, ...] = (
    ("seeds", int, 3, "N", "untrained networks, 0 for none"),
    ("draws", int, 5, "N", "draws of labels at each point of the curve"),
    (
        *("full", bool, False, ""),
        "also the MLP, the label-efficiency curve, the supervised row and the share of the gap that CPC closes; options below override it",
    ),
    ("probes", (str, "+"), None, "NAME", "linear, MLP (default: linear; with --full both)"),
    ("baselines", (str, "*"), None, "NAME", "handmade features to compare with (default: all of the domain)"),
    ("supervised-steps", int, None, "N", "updates of the supervised row, 0 for none (default: 0; with --full 1000)"),
    ("supervised-curve", bool, False, "", "train the supervised row at the points of the curve, too (slow)"),
    (
        "curve",
        (int, "*"),
        None,
        "N",
        "labels per class of the label-efficiency curve (default: no curve; with --full 1 2 5 10 20 50 100)",
    ),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    options.run(parser, data="the data of the run")
    parser.add_argument("--label", required=True, help="label column, for instance speaker, digit, phone")
    parser.add_argument(
        "--unit", choices=("recording", "frame"), help="a row per recording or per step (default: by --alignment)"
    )
    options.add(parser, options.FORMAT, options.SEED_RUNS, *QUESTION, *ROWS)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = fill(parser.description or "", 79)
    parser.epilog = f"Rows are kept in RUN/probe-rows. An interrupted or repeated question goes on from them.\n\n{help_text()}"


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
