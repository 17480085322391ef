"""`cpc timeline RUN DATA -o FILE`: show how predictable each step of one source is, as a picture or as a page."""

import argparse
from pathlib import Path

from torchcpc.commands import options

PAGE, PICTURES = ".html", (".svg", ".png")
SOURCE: tuple[options.Option, ...] = (
    ("source", str, None, "KEY", "Key of the source to show (default: the longest source)."),
    ("smooth", int, None, "STEPS", "Average over this many steps (default: a hundredth of the source)."),
    ("seed", int, 0, "N", "Seed of the shuffled order (default: 0)."),
    *options.PARTITION,
)
# The names are those of the fields of recording.view.ViewSpec.
VIEW: tuple[options.Option, ...] = (
    ("start", float, None, "X", "Begin the page at this second, row or sentence (default: the beginning)."),
    ("end", float, None, "X", "End the page at this second, row or sentence (default: the end, or 15 minutes of sound)."),
    ("rate", float, None, "R", "Show the R most prominent boundaries per second on the page (default: as in `cpc segment`)."),
    ("quantile", float, 0.99, "Q", "Show an alarm on the page above this quantile of normal rows."),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Plot how predictable one recording, series or text is over time. Use it to see which parts the model expects and which "
        "surprise it. A page (.html) also plays the sound, with a moving cursor."
    )
    options.run(parser)
    options.out(parser, "File for a page (.html) with sound and a moving cursor, or for a picture (.svg, .png).")
    shuffle = ("shuffle", str, None, "FROM:TO", "Shuffle the steps of this part for comparison, such as 0.4:0.6 of the source.")
    options.add(parser, *SOURCE, shuffle, *VIEW)


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
    """Refuse a file format that cannot be drawn, before anything is read."""
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
        raise CPCError(f"--{given[0]} applies to a page only: end the name after -o in {PAGE}.")


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
