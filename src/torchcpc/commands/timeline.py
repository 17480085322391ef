"""`cpc timeline RUN DATA -o FILE`: how expected each step of one source was by all before it, as a picture or as a page with its sound."""

import argparse
from pathlib import Path

from torchcpc.commands import options

PAGE, PICTURES = ".html", (".svg", ".png")
SOURCE: tuple[options.Option, ...] = (
    ("source", str, None, "KEY", "which source of DATA (default: the longest)"),
    ("smooth", int, None, "STEPS", "average over this many steps (default: a hundredth of the source)"),
    ("seed", int, 0, "N", "of the shuffled order (default: 0)"),
    *options.PARTITION,
)
# Fields of recording.view.ViewSpec.
VIEW: tuple[options.Option, ...] = (
    ("start", float, None, "X", "of a page: begin at this second, row or sentence"),
    ("end", float, None, "X", "of a page: end there (default: all, of sound 15 minutes)"),
    ("rate", float, None, "R", "of a page: the R most prominent boundaries per second (default: as `cpc segment`)"),
    ("quantile", float, 0.99, "Q", "of a page: alarms are above this share of normal rows"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    options.run(parser)
    options.out(parser, "a page (.html) with sound and a moving cursor, or a picture (.svg, .png)")
    options.add(
        parser, *SOURCE, ("shuffle", str, None, "FROM:TO", "also shuffle this stretch, in shares such as 0.4:0.6"), *VIEW
    )


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.contracts import CPCError

    shuffle, view = _stretch(arguments.shuffle), options.values(arguments, *VIEW)
    _check_out(arguments.out, view)
    from torchcpc.commands.terminal import load, note, show

    run, asked = load(arguments), {"shuffle": shuffle, **options.values(arguments, *SOURCE)}
    if not arguments.out and run.trained.record is None:
        raise CPCError("nothing to do: a saved model has no report, so name a page or a picture with -o.")
    data = arguments.data or None
    if arguments.out and arguments.out.suffix == PAGE:
        show(run, run.timeline_page(arguments.out, data, **view, **asked).timeline)
        note(f"page: {arguments.out}, {arguments.out.stat().st_size / 1e6:.1f} MB; open it in a browser")
        return
    timeline = run.timeline(data, **asked)
    show(run, timeline)
    if arguments.out:
        from torchcpc.report.information_figures import timeline as picture
        from torchcpc.report.panel import save

        save(arguments.out, picture, timeline)
        note(f"picture: {arguments.out}")


def _check_out(out: Path | None, view: dict[str, object]) -> None:
    """Refuses a file that cannot be drawn before anything is read."""
    from torchcpc.contracts import CPCError

    if out is not None and out.suffix == PAGE:
        from torchcpc.report.library import check_library

        check_library()
        return
    if out is not None and out.suffix not in PICTURES:
        raise CPCError(
            f"{out}: cannot draw a {out.suffix!r} file. End the name in {', '.join((PAGE, *PICTURES[:-1]))} or {PICTURES[-1]}."
        )
    if given := [name for name, _, default, *_ in VIEW if view[name] != default]:
        raise CPCError(f"--{given[0]} is of a page: end the name after -o in {PAGE}.")


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
