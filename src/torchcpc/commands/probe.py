"""`cpc probe RUN DATA --label COLUMN`: how much simple models read off the representations, compared with baselines."""

import argparse
from pathlib import Path
from typing import Any

from torchcpc.commands import options

# What is asked: fields of probes.ProbeSpec.
QUESTION: dict[str, dict[str, Any]] = {
    "label": {"required": True, "help": "label column, for instance speaker, digit, phone"},
    "alignment": {
        "type": Path,
        "metavar": "FILE",
        "help": "frame labels: csv recording,start_s,end_s,LABEL or recording,sample,LABEL, or 10 ms txt",
    },
    "unit": {"choices": ("recording", "frame"), "help": "a row per recording or per step (default: by --alignment)"},
    "clip-seconds": {
        "type": float,
        "default": 0.0,
        "metavar": "S",
        "help": "first cut recordings into clips this long (default: whole)",
    },
    "within": {
        "type": float,
        "default": 0.0,
        "metavar": "SHARE",
        "help": "train on the first share of each recording, test on the rest",
    },
    "test-on": {
        "default": "",
        "metavar": "COLUMN[=VALUE]",
        "help": "test on the sources with this value and train on the others; without =VALUE, on every value in turn",
    },
    "validate-across": {
        "default": "",
        "metavar": "COLUMN",
        "help": "select penalties by leaving out one value of COLUMN after another; fits a test on new values (default: by source)",
    },
    "standardise-by": {
        "default": "",
        "metavar": "COLUMN",
        "help": "per-speaker mean and variance normalisation, or by any other COLUMN; uses no label, applies to every row",
    },
    "folds": {
        "type": int,
        "metavar": "N",
        "help": "N-fold cross-validation; an inner cross-validation selects the penalty. Identical sentences share a fold. A split "
        "column replaces the folds (default: 10 for a table of sentences, else 0: a single split)",
    },
    "fold-by": {"default": "", "metavar": "COLUMN", "help": "with --folds: sources with the same value of COLUMN share a fold"},
    "delay": {
        "type": float,
        "default": 0.0,
        "metavar": "S",
        "help": "label each frame by what lies S seconds before its centre",
    },
    "per-event": {
        "action": "store_true",
        "help": "one clip of --clip-seconds for each event of --alignment; it ends --delay after the event",
    },
    "every": {"type": int, "default": 1, "metavar": "N", "help": "use every N-th frame (default: all)"},
    "validation": {
        "type": float,
        "default": 0.15,
        "metavar": "SHARE",
        "help": "of the sources outside the test (default: %(default)s)",
    },
    "select-by": {
        "default": "accuracy",
        "help": "what the validation part is judged by: accuracy or macro-F1 (default: %(default)s)",
    },
    "class-weight": {"default": "none", "help": "none, or balanced: rare classes count as much as common ones"},
    "pool": {"default": "mean+deviation", "help": "mean, mean+deviation, last (default: %(default)s)"},
}
# What stands in the table: fields of probes.ProbeRows.
ROWS: dict[str, dict[str, Any]] = {
    "seeds": {"type": int, "default": 3, "help": "untrained networks, 0 for none (default: %(default)s)"},
    "draws": {"type": int, "default": 5, "help": "draws of labels at each point of the curve (default: %(default)s)"},
    "probes": {"nargs": "+", "help": "linear, MLP (default: both)"},
    "baselines": {"nargs": "*", "help": "handmade features to compare with (default: all of the domain)"},
    "supervised-steps": {
        "type": int,
        "metavar": "N",
        "help": "updates of the supervised row, 0 for none (default: 1000; 0 with --folds)",
    },
    "supervised-curve": {"action": "store_true", "help": "train the supervised row at the points of the curve, too (slow)"},
    "curve": {
        "nargs": "*",
        "type": int,
        "metavar": "N",
        "help": "labels per class of the label-efficiency curve; none: no curve (default: 1 2 5 10 20 50 100)",
    },
}


def arguments(parser: argparse.ArgumentParser) -> None:
    options.run(parser, data="the data of the run")
    options.seed_runs(parser)
    for name, settings in {**QUESTION, **ROWS}.items():
        parser.add_argument(f"--{name}", **settings)


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, load_seeds, show
    from torchcpc.probes.question import ProbeRows
    from torchcpc.report.results import check_kept

    run = load(arguments)
    run.trained.require_record()
    check_kept(run.folder)
    given = vars(arguments)
    spec = {name.replace("-", "_"): given[name.replace("-", "_")] for name in QUESTION}
    rows = {name.replace("-", "_"): given[name.replace("-", "_")] for name in ROWS}
    table = run.probe(
        arguments.data or None,
        delay_s=spec.pop("delay"),
        rows=ProbeRows(**rows),
        seed_runs=load_seeds(arguments),
        **spec,
    )
    show(run, table)
