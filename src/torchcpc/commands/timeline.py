"""`cpc timeline RUN -o FILE`: how expected each step of one source was by all before it, and what shuffling a stretch of it costs."""

import argparse

from torchcpc.commands import options

SOURCE: tuple[options.Option, ...] = (
    ("source", str, None, "KEY", "which source (default: the longest)"),
    ("smooth", int, None, "STEPS", "average over this many steps (default: a hundredth of the source)"),
    ("seed", int, 0, "N", "of the shuffled order (default: 0)"),
    *options.PARTITION,
)


def arguments(parser: argparse.ArgumentParser) -> None:
    options.run(parser)
    options.out(parser, "the picture, .svg or .png; the report of the run shows it too")
    options.add(parser, *SOURCE, ("shuffle", str, None, "FROM:TO", "also shuffle this stretch, in shares such as 0.4:0.6"))


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, note, show
    from torchcpc.contracts import CPCError

    shuffle = _stretch(arguments.shuffle)
    if arguments.out:
        from torchcpc.report.panel import check_ending

        check_ending(arguments.out)
    run = load(arguments)
    if not arguments.out and run.trained.record is None:
        raise CPCError("nothing to do: a saved model has no report, so name a picture with -o.")
    timeline = run.timeline(arguments.data or None, shuffle=shuffle, **options.values(arguments, *SOURCE))
    show(run, timeline)
    if arguments.out:
        from torchcpc.report.information_figures import timeline as picture
        from torchcpc.report.panel import save

        save(arguments.out, picture, timeline)
        note(f"picture: {arguments.out}")


def _stretch(text: str | None) -> tuple[float, float] | None:
    from torchcpc.contracts import CPCError

    if text is None:
        return None
    try:
        first, last = (float(part) for part in text.split(":"))
    except ValueError:
        first = last = -1.0
    if not 0 <= first < last <= 1:
        raise CPCError(f"--shuffle {text!r}: expected FROM:TO as shares of the source, for instance 0.4:0.6.")
    return first, last
