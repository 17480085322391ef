"""`cpc probe RUN DATA --label COLUMN`: how much simple models read off the representations, beside baselines."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CURVE = [1, 2, 5, 10, 20, 50, 100]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a run; the tables go into its report")
    parser.add_argument("data", nargs="*", metavar="DATA", help="labelled folders or manifests (default: the data of the run)")
    parser.add_argument("--label", required=True, help="label column, for instance speaker, digit, phone")
    parser.add_argument(
        "--alignment",
        type=Path,
        metavar="FILE",
        help="frame labels: csv recording,start_s,end_s,LABEL or recording,sample,LABEL, or 10 ms txt",
    )
    parser.add_argument(
        "--unit", choices=("recording", "frame"), help="a row per recording or per step (default: by --alignment)"
    )
    parser.add_argument(
        "--clip-seconds",
        type=float,
        default=0.0,
        metavar="S",
        help="cut recordings into clips this long first (default: whole, or with --within one clip a part)",
    )
    parser.add_argument("--within", type=float, default=0.0, metavar="SHARE", help="train on the first share of each recording")
    parser.add_argument(
        "--leave-out",
        default="",
        metavar="COLUMN[=VALUE]",
        help="test on the sources with this value and train on the others; without =VALUE, every value in turn",
    )
    parser.add_argument(
        "--choose-across",
        default="",
        metavar="COLUMN",
        help="choose penalties by leaving out one value of COLUMN after another, as fits a test on new ones (default: by source)",
    )
    parser.add_argument(
        "--standardise-by",
        default="",
        metavar="COLUMN",
        help="bring the frames of each value of COLUMN, in every row, to mean 0 and deviation 1 first; uses no label",
    )
    parser.add_argument(
        "--folds",
        type=int,
        metavar="N",
        help="cross-validate with N folds, copies of a sentence in one, penalties chosen inside each training part; a split column "
        "stands in for the folds; 0 for none (default: 10 for a table of sentences and no option against it, else 0)",
    )
    parser.add_argument(
        "--fold-by", default="", metavar="COLUMN", help="with --folds: sources of one value of COLUMN share a fold"
    )
    parser.add_argument(
        "--delay", type=float, default=0.0, metavar="S", help="ask each frame about what lies S seconds before its centre"
    )
    parser.add_argument(
        "--each-event",
        action="store_true",
        help="a clip of --clip-seconds for each event of --alignment, ending --delay after it and asked at its last step",
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="use every N-th frame (default: all)")
    parser.add_argument(
        "--validation", type=float, default=0.15, metavar="SHARE", help="of the sources that are no test (default: %(default)s)"
    )
    parser.add_argument(
        "--choose-by", default="accuracy", help="accuracy or macro-F1 of the validation part (default: %(default)s)"
    )
    parser.add_argument(
        "--class-weight",
        default="none",
        help="none, or balanced: rare classes count as much as common ones where a probe is fitted",
    )
    parser.add_argument("--pool", default="mean+deviation", help="mean, mean+deviation, last (default: %(default)s)")
    parser.add_argument("--also", nargs="+", default=[], metavar="RUN", help="runs of other seeds, averaged into the CPC rows")
    parser.add_argument("--seeds", type=int, default=3, help="of the untrained rows, 0 for none (default: %(default)s)")
    parser.add_argument("--draws", type=int, default=5, help="of labels at each point of the curve (default: %(default)s)")
    parser.add_argument("--probes", nargs="+", help="linear, MLP (default: both)")
    parser.add_argument("--baselines", nargs="*", help="handmade features to compare with (default: all of the domain)")
    parser.add_argument(
        "--supervised-steps",
        type=int,
        metavar="N",
        help="updates of the supervised row, 0 for none (default: 1000, with --folds 0)",
    )
    parser.add_argument(
        "--supervised-curve", action="store_true", help="train the supervised row at the points of the curve, too (slow)"
    )
    parser.add_argument(
        "--curve",
        nargs="*",
        type=int,
        metavar="N",
        help=f"labels per class at which the efficiency curve is measured; none: no curve (default: {' '.join(map(str, CURVE))})",
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, ... (default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.progress import bar, console
    from torchcpc.commands.sources import as_read_by, open_sources
    from torchcpc.contracts import CPCError
    from torchcpc.data.alignment import read_steps, read_table
    from torchcpc.probes.compare import add_table, compare
    from torchcpc.probes.question import Question
    from torchcpc.probes.table import text
    from torchcpc.report import build
    from torchcpc.runs.pretrain import read_run
    from torchcpc.runs.saved import from_pretrained

    models, configs = zip(*(from_pretrained(run) for run in (arguments.run, *arguments.also)), strict=True)
    if any(_sizes(config) != _sizes(configs[0]) for config in configs):
        raise CPCError(
            "the runs named with --also are of other sizes than the first: a row is one network under several seeds."
        )
    described = read_run(arguments.run)
    sources = open_sources(configs[0]["data"], arguments.data or described["roots"])
    readings = [as_read_by(sources, config) for config in configs]
    if arguments.folds is None:
        # Sentences come back in such tables, and one split by source would have copies on both sides.
        sentences = configs[0]["data"]["name"] == "text" and all(sources.length(i) == 1 for i in range(len(sources)))
        arguments.folds = 10 if sentences and not _other_questions(arguments) else 0
    if arguments.folds:
        _across_folds(arguments, models, configs[0], readings)
        return
    alignment = None
    if (path := arguments.alignment) is not None:
        by_steps = path.suffix == ".txt"
        alignment = read_steps(path) if by_steps else read_table(path, column=arguments.label, rate=sources.rate)
    question = Question(
        label=arguments.label,
        alignment=alignment,
        unit=arguments.unit or ("frame" if alignment else "recording"),
        clip_seconds=arguments.clip_seconds,
        within=arguments.within,
        leave_out=arguments.leave_out,
        pool=arguments.pool,
        every=arguments.every,
        delay_s=arguments.delay,
        each_event=arguments.each_event,
        validation=arguments.validation,
        choose_by=arguments.choose_by,
        choose_across=arguments.choose_across,
        standardise_by=arguments.standardise_by,
        class_weight=arguments.class_weight,
    )
    with bar("probing") as show:
        entry, points = compare(
            [model.to(arguments.device) for model in models],
            configs[0],
            sources,
            question,
            readings=readings,
            seeds=arguments.seeds,
            draws=arguments.draws,
            probes=arguments.probes or ["linear", "MLP"],
            baselines=arguments.baselines,
            supervised_steps=1000 if arguments.supervised_steps is None else arguments.supervised_steps,
            supervised_curve=arguments.supervised_curve,
            curve=CURVE if arguments.curve is None else arguments.curve,
            device=arguments.device,
            progress=show,
        )
    entry = _naming_data(arguments, entry)
    add_table(arguments.run, entry, points)
    console.print(text(entry), markup=False)
    console.print(f"report: {build(arguments.run)}")


def _naming_data(arguments: argparse.Namespace, entry: dict[str, Any]) -> dict[str, Any]:
    """The table with the names of its data, where these were given: of two with one label the second must not replace the first."""
    names = ", ".join(Path(root).name for root in arguments.data)
    return {**entry, "split": f"{entry['split']}; of {names}"} if names else entry


# Options of other kinds of questions.
NOT_WITH_FOLDS = (
    *("alignment", "within", "leave_out", "clip_seconds", "supervised_curve", "choose_across", "standardise_by"),
    *("class_weight", "each_event", "probes", "curve", "unit", "delay"),
)


def _other_questions(arguments: argparse.Namespace) -> list[str]:
    others = {name: getattr(arguments, name) for name in NOT_WITH_FOLDS}
    return [f"--{name.replace('_', '-')}" for name, value in others.items() if value and value != "none"]


def _across_folds(
    arguments: argparse.Namespace, models: Sequence[Any], config: dict[str, Any], readings: Sequence[Any]
) -> None:
    from torchcpc.commands.progress import bar, console
    from torchcpc.contracts import CPCError
    from torchcpc.probes.compare import add_table
    from torchcpc.probes.cross_validation import cross_compare
    from torchcpc.probes.table import text
    from torchcpc.report import build

    if given := _other_questions(arguments):
        raise CPCError(
            f"--folds {arguments.folds} and {given[0]}: folds are made of whole sources with one label each. Leave one out."
        )
    with bar("probing") as show:
        entry, points = cross_compare(
            [model.to(arguments.device) for model in models],
            config,
            readings,
            arguments.label,
            folds=arguments.folds,
            fold_by=arguments.fold_by,
            choose_by=arguments.choose_by,
            pool=arguments.pool,
            seeds=arguments.seeds,
            baselines=arguments.baselines,
            supervised_steps=arguments.supervised_steps or 0,
            device=arguments.device,
            progress=show,
        )
    entry = _naming_data(arguments, entry)
    add_table(arguments.run, entry, points)
    console.print(text(entry), markup=False)
    console.print(f"report: {build(arguments.run)}")


def _sizes(config: dict[str, Any]) -> dict[str, Any]:
    """What runs of other seeds have in common: all but the scale of the channels and the vocabulary, which each took from its own
    training sources."""
    parts = {part: config[part] for part in ("encoder", "context", "predictor", "data")}
    own = ("mean", "scale", "tokenizer")
    return {part: {key: value for key, value in section.items() if key not in own} for part, section in parts.items()}
