"""`cpc segment RUN DATA`: boundaries where a step fits badly to what came before; beside an alignment, how well they match it."""

from __future__ import annotations

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="run folder, saved model folder, or Hub repository id")
    parser.add_argument("data", nargs="*", metavar="DATA", help="folders or manifests (default: the data of the run)")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="boundaries of every source: .csv, .parquet or .npz")
    parser.add_argument("--alignment", type=Path, metavar="FILE", help="known intervals: csv recording,start_s,end_s,LABEL")
    parser.add_argument("--label", default="phone", help="label column of --alignment (default: %(default)s)")
    parser.add_argument(
        "--curve",
        default="surprise",
        metavar="NAME",
        help="of -o: surprise, cosine, dot, euclidean, spectral flux (default: surprise)",
    )
    parser.add_argument("--k", type=int, metavar="K", help="steps ahead of the surprise (default: first without overlap)")
    parser.add_argument(
        "--lag", type=int, default=1, metavar="STEPS", help="that the other curves compare (default: %(default)s)"
    )
    parser.add_argument(
        "--tolerance", type=float, default=0.02, metavar="S", help="seconds to either side (default: %(default)s)"
    )
    parser.add_argument("--prominence", type=float, metavar="X", help="of -o: keep peaks this prominent, in units of the curve")
    parser.add_argument(
        "--rate", type=float, metavar="R", help="threshold without labels: the R most prominent peaks per second"
    )
    parser.add_argument(
        "--share",
        type=float,
        default=0.5,
        metavar="P",
        help="without --rate: leave out this share of peaks (default: %(default)s)",
    )
    parser.add_argument("--also", nargs="+", default=[], metavar="RUN", help="runs of other seeds, averaged into the table")
    parser.add_argument(
        "--samples", type=int, default=2048, metavar="M", help="marginal samples for log Z (default: %(default)s)"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, ... (default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.progress import bar, console, output
    from torchcpc.commands.sources import open_sources, roots_of
    from torchcpc.contracts import CPCError
    from torchcpc.data.alignment import read_intervals
    from torchcpc.information.calibrating import first_new
    from torchcpc.information.scoring import marginal
    from torchcpc.representations.files import TABLES, write_rows
    from torchcpc.runs.saved import from_pretrained
    from torchcpc.segmentation.compare import (
        CURVES,
        FLUX,
        SURPRISE,
        Choice,
        baselines,
        boundary_rows,
        compare,
        curves,
        text,
        threshold_of,
    )
    from torchcpc.segmentation.peaks import find

    if not (arguments.out or arguments.alignment):
        raise CPCError("nothing to do: name a file for the boundaries with -o, or an --alignment to compare them with.")
    if arguments.curve not in CURVES:
        raise CPCError(f"--curve {arguments.curve!r} is unknown. Choose one of {', '.join(CURVES)}.")
    for option, low in (("lag", 1), ("tolerance", 0.0), ("samples", 1)):
        if getattr(arguments, option) < low:
            raise CPCError(f"--{option} {getattr(arguments, option)}: at least {low:g}.")
    models = [from_pretrained(run) for run in (arguments.run, *arguments.also)]
    config = models[0][1]
    if any(other[part] != config[part] for _, other in models for part in ("encoder", "context", "predictor", "data")):
        raise CPCError(
            "the runs named with --also are of other sizes than the first: a row is one network under several seeds."
        )
    if models[0][0].encoder.layout.sequences > 1:
        raise CPCError(f"{arguments.run} reads pictures, which have no boundaries in time. Name a run on recordings or series.")
    networks = [model.to(arguments.device) for model, _ in models]
    horizons = networks[0].predictor.horizons
    if arguments.k is not None and arguments.k not in horizons:
        raise CPCError(
            f"--k {arguments.k}: this model predicts {horizons[0]} to {horizons[-1]} steps ahead. Choose among them."
        )
    choice = Choice(
        arguments.k or horizons[first_new(networks[0])],
        lag=arguments.lag,
        share=arguments.share,
        rate=arguments.rate,
        tolerance_s=arguments.tolerance,
        samples=arguments.samples,
    )
    # Read before the recordings are: a slip in a file name should not cost a scan.
    alignment = read_intervals(arguments.alignment, column=arguments.label) if arguments.alignment else None
    sources = open_sources(config["data"], arguments.data or roots_of(arguments.run))
    if alignment:
        names = [name for name in CURVES if name != FLUX] + baselines(sources)
        with bar("comparing") as show:
            entry = compare(networks, sources, alignment, choice, names=names, device=arguments.device, progress=show)
        output.print(text(entry), markup=False)
    if arguments.out:
        model, everything, sample = networks[0], list(range(len(sources))), None
        with bar("segmenting") as show:
            if arguments.curve == SURPRISE:
                # Each source is scored against samples of all the others.
                sample = marginal(model, sources, everything, count=choice.samples, device=arguments.device)
            made = curves(model, sources, everything, [arguments.curve], sample, choice, device=arguments.device, progress=show)
        peaks = [find(curve) for curve in made[arguments.curve]]
        seconds = sum(sources.length(i) for i in everything) / sources.rate
        threshold = threshold_of(peaks, seconds, choice) if arguments.prominence is None else arguments.prominence
        rows = boundary_rows(peaks, [item.key for item in sources.items], threshold)
        count = write_rows(arguments.out, rows, nothing="no peak is so prominent: lower --prominence.", writers=TABLES)
        console.print(
            f"{count} boundaries, {count / seconds:.1f} per second, in {arguments.out}: "
            f"peaks of {arguments.curve}, prominence {threshold:.4g} or more"
        )
