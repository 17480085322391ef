"""`cpc segment RUN DATA`: find boundaries at peaks of the surprise, and compare them with known ones."""

import argparse
from pathlib import Path

from torchcpc.atomic import TABLES
from torchcpc.commands import options

# The names are those of the fields of segmentation.SegmentSpec.
SPEC: tuple[options.Option, ...] = (
    ("curve", str, "surprise", "NAME", "Curve for -o: surprise, cosine, dot, euclidean or spectral flux."),
    ("k", int, None, "K", "Horizon of the surprise (default: the first step that shares no input with its context)."),
    ("lag", int, 1, "STEPS", "Distance of the two steps that the other curves compare."),
    ("prominence", float, None, "X", "Keep peaks of at least this prominence in -o, in units of the curve."),
    ("rate", float, None, "R", "Keep the R most prominent peaks per second (default for speech: 10)."),
    ("peak-quantile", float, None, "P", "Skip this share of the peaks, the least prominent (default for other data: 0.75)."),
    ("samples", int, 2048, "M", "Estimate log Z from M samples of the marginal distribution."),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Find boundaries: places where a step does not fit the steps before it. Use it to divide recordings or series into units "
        "without labels. With --alignment, compare the boundaries with known ones."
    )
    options.run(parser, data="the data of the run")
    options.out(parser, "File for the boundaries of every source: .csv, .parquet or .npz.", suffixes=TABLES)
    options.add(
        parser,
        ("alignment", Path, None, "FILE", "Known intervals, a csv file with the columns recording,start,end,LABEL."),
        ("label", str, "phone", "COLUMN", "Column of --alignment that holds the labels."),
    )
    tolerance = ("tolerance", float, 0.02, "S", "Count a boundary as found within S seconds of a known one.")
    options.add(parser, *SPEC, tolerance, options.SEED_RUNS, options.FORMAT)


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, load_seeds, note, show
    from torchcpc.contracts import CPCError
    from torchcpc.segmentation.boundaries import SegmentSpec

    if not (arguments.out or arguments.alignment):
        raise CPCError("nothing to do: name a file for the boundaries with -o, or an --alignment to compare them with.")
    spec = {**options.values(arguments, *SPEC), "tolerance_s": arguments.tolerance}
    SegmentSpec(**spec)  # wrong values are refused before anything is read
    run, data = load(arguments), arguments.data or None
    how = ""
    if arguments.alignment:
        known = {"alignment": arguments.alignment, "label": arguments.label, "seed_runs": load_seeds(arguments)}
        table = run.segment(data, **known, **spec)
        show(run, table, arguments.format)
        # A threshold that the user gave takes precedence over the one chosen with the labels.
        if all(spec[name] is None for name in ("prominence", "rate", "peak_quantile")):
            spec["prominence"], how = table.prominence(arguments.curve), ", chosen with the labels"
    if arguments.out:
        count, per_second, threshold = run.write_boundaries(arguments.out, data, **spec)
        note(
            f"{count} boundaries, {per_second:.1f} per second, in {arguments.out}: peaks of {arguments.curve}, prominence "
            f"{threshold:.4g} or more{how}"
        )
