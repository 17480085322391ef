"""`cpc course RUN -o FILE`: how expected each step of one source was by all before it, with a stretch of it shuffled to compare."""

from __future__ import annotations

import argparse
from pathlib import Path

from torchcpc.commands import partition


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="run folder, saved model folder, or Hub repository id")
    parser.add_argument("data", nargs="*", metavar="DATA", help="folders or manifests (default: what the run held out)")
    parser.add_argument(
        "-o", "--out", type=Path, metavar="FILE", help="the picture, .svg or .png; it is in the report of the run, too"
    )
    parser.add_argument("--source", metavar="KEY", help="which source (default: the longest)")
    parser.add_argument("--smooth", type=int, metavar="STEPS", help="that are averaged (default: a hundredth of the source)")
    parser.add_argument(
        "--shuffle",
        metavar="FROM:TO",
        help="a stretch to draw in a random order as well, as shares of the source such as 0.4:0.6",
    )
    parser.add_argument("--seed", type=int, default=0, help="of that order (default: %(default)s)")
    partition.arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.progress import bar, console, output
    from torchcpc.commands.sources import open_sources, roots_of
    from torchcpc.contracts import CPCError
    from torchcpc.information.calibrating import held_out
    from torchcpc.information.following import follow
    from torchcpc.report import build
    from torchcpc.report.panel import check_ending, save
    from torchcpc.report.timeline_figure import picture
    from torchcpc.runs.pretrain import read_run, write_json
    from torchcpc.runs.saved import from_pretrained

    described = read_run(Path(arguments.run)) if (Path(arguments.run) / "settings.json").is_file() else None
    if not arguments.out and described is None:
        raise CPCError("nothing to do: a model that is no run has no report, so name a picture with -o.")
    if arguments.out:
        check_ending(arguments.out)
    shuffle = _stretch(arguments.shuffle)
    model, config = from_pretrained(arguments.run)
    model = model.to(arguments.device)
    sources = open_sources(config["data"], arguments.data or roots_of(arguments.run))
    indices = list(range(len(sources)))
    if not arguments.data and described is not None:
        indices, _ = held_out(sources, described)
    known = {sources.items[i].key: i for i in indices}
    if arguments.source is not None and arguments.source not in known:
        some = ", ".join(list(known)[:5])
        raise CPCError(f"--source {arguments.source!r} is none of {len(known)} sources, for instance {some}.")
    number = known[arguments.source] if arguments.source else max(indices, key=sources.length)
    steps = sources.length(number) // model.encoder.stride
    width = max(1, steps // 100) if arguments.smooth is None else arguments.smooth
    if width < 1:
        raise CPCError(f"--smooth {width}: at least 1 step.")
    # log Z from the other sources, never from the one that is drawn.
    if not (others := [i for i in indices if i != number]):
        raise CPCError("log Z needs other sources than the one drawn: name more DATA.")
    sample = partition.draw(arguments, model, sources, others, described)
    with bar("scoring") as show:
        content = follow(
            model,
            sample,
            sources,
            number,
            unit="sentence" if config["data"]["name"] == "text" else "step",
            width=width,
            shuffle=shuffle,
            seed=arguments.seed,
            device=arguments.device,
            progress=show,
        )
    for i, k in enumerate(content["horizons"]):
        line = f"k = {k}: mean PMI {content['mean'][i]:.3f} nats"
        if mixed := content["shuffled"]:
            ordered, other, error = (mixed[name][i] for name in ("ordered_mean", "shuffled_mean", "error"))
            line += (
                f"; steps {mixed['first']} to {mixed['last']}: {ordered:.3f} in order, {other:.3f} shuffled (s.e. {error:.3f})"
            )
        output.print(line, markup=False)
    if arguments.out:
        save(arguments.out, lambda: picture(content).figure)
        console.print(f"picture: {arguments.out}")
    if described is not None:
        write_json(Path(arguments.run) / "course.json", content)
        console.print(f"report: {build(Path(arguments.run))}")


def _stretch(words: str | None) -> tuple[float, float] | None:
    from torchcpc.contracts import CPCError

    if words is None:
        return None
    try:
        first, last = (float(part) for part in words.split(":"))
    except ValueError:
        first = last = -1.0
    if not 0 <= first < last <= 1:
        raise CPCError(f"--shuffle {words!r}: expected FROM:TO as shares of the source, for instance 0.4:0.6.")
    return first, last
