"""`cpc anomalies RUN DATA -o FILE`: the surprise of every row, alarms above a quantile of held-out rows, and both beside a z-score."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from torchcpc.commands import partition


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder of a model of sensor series")
    parser.add_argument("data", nargs="*", metavar="DATA", help="folders or manifests (default: what the run never saw)")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="score and alarm of every row: .parquet or .npz")
    parser.add_argument(
        "--label", metavar="COLUMN", help="row labels to compare with, above 0 where anomalous (data.row_labels)"
    )
    parser.add_argument(
        "--smooth", type=int, default=1, metavar="ROWS", help="average of the last ROWS scores (default: %(default)s)"
    )
    parser.add_argument(
        "--reference",
        type=int,
        default=0,
        metavar="ROWS",
        help="the first ROWS of a source are known to be normal: scores relative to them, thresholds from them (default: not)",
    )
    parser.add_argument(
        "--quantile", type=float, default=0.99, help="of the scores that set the threshold (default: %(default)s)"
    )
    partition.arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    from dataclasses import asdict

    from torchcpc.anomalies.detect import METHODS, detect, rows_of, scores_of
    from torchcpc.commands.progress import bar, console, output
    from torchcpc.commands.sources import open_sources
    from torchcpc.contracts import CPCError
    from torchcpc.data.splits import hold_out
    from torchcpc.representations.files import write_rows
    from torchcpc.runs.pretrain import read_run, write_json
    from torchcpc.runs.saved import from_pretrained

    if not 0 < arguments.quantile < 1:
        raise CPCError(f"--quantile {arguments.quantile:g}: between 0 and 1, neither included. Leave it out for 0.99.")
    if arguments.smooth < 1 or arguments.reference < 0:
        raise CPCError(
            f"--smooth {arguments.smooth} --reference {arguments.reference}: at least 1 row and at least 0. Leave them out for none."
        )
    model, config = from_pretrained(arguments.run)
    model, described = model.to(arguments.device), read_run(arguments.run)
    own = open_sources(config["data"], described["roots"])
    parts = hold_out(own, described["seed"], **described["settings"]["split"])
    if not parts.validation:
        raise CPCError(
            f"{arguments.run} held out no validation source to set the threshold by (split.validation = 0). Train with split.validation "
            "above 0."
        )
    sample = partition.draw(arguments, model, own, parts.train, described)
    tested: Any = open_sources(config["data"], arguments.data) if arguments.data else own.select(parts.unseen)
    # The threshold comes from sources that taught the weights nothing: those that did are less surprising than any others.
    normal_ones = own.select(parts.validation)
    settings = {
        "encoder": config["encoder"],
        "device": arguments.device,
        "smooth": arguments.smooth,
        "reference": arguments.reference,
    }
    with bar("scoring") as show:
        normal = scores_of(model, sample, normal_ones, progress=show, **settings)
        found = scores_of(model, sample, tested, progress=show, **settings)
    results = {
        name: detect(
            normal[name], found[name], tested, quantile=arguments.quantile, label=arguments.label, reference=arguments.reference
        )
        for name in METHODS
    }
    if arguments.out:
        count = write_rows(
            arguments.out, rows_of(found["surprise"], results["surprise"].threshold, tested), nothing="nothing was scored."
        )
        console.print(f"{count} rows in {arguments.out}")
    console.print(
        f"threshold: the {arguments.quantile:g} quantile of {len(normal_ones)} validation sources, which were not trained on; "
        f"{len(tested)} sources scored"
    )
    output.print(
        "score     threshold  alarms %"
        + ("  F1 %               false alarms %     AUROC              AUPRC" if arguments.label else ""),
        markup=False,
    )
    for name, result in results.items():
        line = f"{name:<9} {result.threshold:9.3f}  {100 * result.alarms:8.1f}"
        if found_ := result.detection:
            values = (found_.f1, found_.false_alarms, found_.auroc, found_.auprc)
            line += "".join(f"  {100 * v.mean:5.1f} ({100 * v.low:4.1f}-{100 * v.high:5.1f})" for v in values)
        output.print(line, markup=False)
    write_json(arguments.run / "anomalies.json", {name: asdict(result) for name, result in results.items()})
