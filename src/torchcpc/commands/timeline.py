"""`cpc timeline RUN -o FILE`: how expected each step of one source was by all before it, and what shuffling a stretch of it costs."""

import argparse

from torchcpc.commands import options


def arguments(parser: argparse.ArgumentParser) -> None:
    options.run(parser)
    options.out(parser, "the picture, .svg or .png; the report of the run shows it too")
    parser.add_argument("--source", metavar="KEY", help="which source (default: the longest)")
    parser.add_argument(
        "--smooth", type=int, metavar="STEPS", help="average over this many steps (default: a hundredth of the source)"
    )
    parser.add_argument(
        "--shuffle", metavar="FROM:TO", help="also shuffle this stretch, in shares of the source such as 0.4:0.6"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the shuffled order (default: %(default)s)")
    options.partition(parser)


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
    timeline = run.timeline(
        arguments.data or None,
        source=arguments.source,
        smooth=arguments.smooth,
        shuffle=shuffle,
        seed=arguments.seed,
        **options.partition_of(arguments),
    )
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
