"""`cpc segment RUN DATA`: boundaries where a step fits badly to what came before; with an alignment, how well they match it."""

import argparse
from pathlib import Path

from torchcpc.commands import options


def arguments(parser: argparse.ArgumentParser) -> None:
    options.run(parser, data="the data of the run")
    options.out(parser, "boundaries of every source: .csv, .parquet or .npz")
    parser.add_argument("--alignment", type=Path, metavar="FILE", help="known intervals: csv recording,start_s,end_s,LABEL")
    parser.add_argument("--label", default="phone", help="label column of --alignment (default: %(default)s)")
    parser.add_argument(
        "--curve", default="surprise", metavar="NAME", help="of -o: surprise, cosine, dot, euclidean, spectral flux"
    )
    parser.add_argument("--k", type=int, metavar="K", help="steps ahead of the surprise (default: first without overlap)")
    parser.add_argument("--lag", type=int, default=1, metavar="STEPS", help="of the other curves (default: %(default)s)")
    parser.add_argument(
        "--tolerance", type=float, default=0.02, metavar="S", help="seconds to either side (default: %(default)s)"
    )
    parser.add_argument("--prominence", type=float, metavar="X", help="of -o: keep peaks this prominent, in units of the curve")
    parser.add_argument("--rate", type=float, metavar="R", help="keep the R most prominent peaks per second; needs no labels")
    parser.add_argument(
        "--peak-quantile",
        type=float,
        default=0.5,
        metavar="P",
        help="without --rate: skip this share of peaks (default: %(default)s)",
    )
    options.seed_runs(parser)
    parser.add_argument(
        "--samples", type=int, default=2048, metavar="M", help="marginal samples for log Z (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, load_seeds, note, show
    from torchcpc.contracts import CPCError
    from torchcpc.segmentation.boundaries import SegmentSpec

    if not (arguments.out or arguments.alignment):
        raise CPCError("nothing to do: name a file for the boundaries with -o, or an --alignment to compare them with.")
    spec = {name: getattr(arguments, name) for name in ("curve", "k", "lag", "prominence", "rate", "peak_quantile", "samples")}
    spec["tolerance_s"] = arguments.tolerance
    SegmentSpec(**spec)  # what is wrong with it is said before anything is read
    run, data = load(arguments), arguments.data or None
    if arguments.alignment:
        known = {"alignment": arguments.alignment, "label": arguments.label, "seed_runs": load_seeds(arguments)}
        show(run, run.segment(data, **known, **spec))
    if arguments.out:
        count, per_second, threshold = run.write_boundaries(arguments.out, data, **spec)
        note(
            f"{count} boundaries, {per_second:.1f} per second, in {arguments.out}: peaks of {arguments.curve}, prominence "
            f"{threshold:.4g} or more"
        )
