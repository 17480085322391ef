"""`cpc segment RUN DATA`: boundaries where a step fits badly to what came before; with an alignment, how well they match it."""

import argparse
from pathlib import Path

from torchcpc.atomic import TABLES
from torchcpc.commands import options

# Fields of segmentation.SegmentSpec.
SPEC: tuple[options.Option, ...] = (
    ("curve", str, "surprise", "NAME", "of -o: surprise, cosine, dot, euclidean, spectral flux"),
    ("k", int, None, "K", "steps ahead of the surprise (default: first without overlap)"),
    ("lag", int, 1, "STEPS", "of the other curves"),
    ("prominence", float, None, "X", "of -o: keep peaks this prominent, in units of the curve"),
    ("rate", float, None, "R", "keep the R most prominent peaks per second (default: 10 for speech)"),
    ("peak-quantile", float, None, "P", "skip this share of the peaks (default: 0.75, but for speech)"),
    ("samples", int, 2048, "M", "marginal samples for log Z"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    options.run(parser, data="the data of the run")
    options.out(parser, "boundaries of every source: .csv, .parquet or .npz", suffixes=TABLES)
    options.add(
        parser,
        ("alignment", Path, None, "FILE", "known intervals: csv recording,start,end,LABEL"),
        ("label", str, "phone", "COLUMN", "label column of --alignment"),
    )
    options.add(parser, *SPEC, ("tolerance", float, 0.02, "S", "seconds to either side"), options.SEED_RUNS, options.FORMAT)


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, load_seeds, note, show
    from torchcpc.contracts import CPCError
    from torchcpc.segmentation.boundaries import SegmentSpec

    if not (arguments.out or arguments.alignment):
        raise CPCError("nothing to do: name a file for the boundaries with -o, or an --alignment to compare them with.")
    spec = {**options.values(arguments, *SPEC), "tolerance_s": arguments.tolerance}
    SegmentSpec(**spec)  # what is wrong with it is said before anything is read
    run, data = load(arguments), arguments.data or None
    how = ""
    if arguments.alignment:
        known = {"alignment": arguments.alignment, "label": arguments.label, "seed_runs": load_seeds(arguments)}
        table = run.segment(data, **known, **spec)
        show(run, table, arguments.format)
        # A threshold that the user named goes before the one that labels choose.
        if all(spec[name] is None for name in ("prominence", "rate", "peak_quantile")):
            spec["prominence"], how = table.prominence(arguments.curve), ", chosen with the labels"
    if arguments.out:
        count, per_second, threshold = run.write_boundaries(arguments.out, data, **spec)
        note(
            f"{count} boundaries, {per_second:.1f} per second, in {arguments.out}: peaks of {arguments.curve}, prominence "
            f"{threshold:.4g} or more{how}"
        )
