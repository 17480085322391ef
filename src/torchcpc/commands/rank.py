"""`cpc rank RUN DATA`: the true future among others drawn from held-out sources, beside likeness, word overlap and chance."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="run folder, saved model folder, or Hub repository id")
    parser.add_argument("data", nargs="*", metavar="DATA", help="folders or manifests (default: what the run held out)")
    parser.add_argument("--also", nargs="+", default=[], metavar="RUN", help="runs of other seeds, averaged into the table")
    parser.add_argument("--k", nargs="+", type=int, metavar="K", help="steps ahead (default: first without overlap)")
    parser.add_argument("--candidates", type=int, default=100, metavar="N", help="with the true one (default: %(default)s)")
    parser.add_argument("--contexts", type=int, default=500, metavar="N", help="drawn of each source (default: %(default)s)")
    parser.add_argument(
        "--pool",
        nargs="+",
        metavar="NAME",
        help="'any source' and 'same source' (default: both, where sources are long enough)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, ... (default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.progress import console, output
    from torchcpc.contracts import CPCError
    from torchcpc.ranking.compare import table, text
    from torchcpc.report import build
    from torchcpc.runs.pretrain import write_json

    if arguments.seed < 0:
        raise CPCError(f"--seed {arguments.seed}: a seed cannot be negative.")
    found = [_one(arguments, run) for run in (arguments.run, *arguments.also)]
    if len({tuple(dict.fromkeys(k for _, k in answers.asked)) for answers, _ in found}) > 1:
        raise CPCError(
            "the runs named with --also predict other steps ahead than the first: name runs of one recipe, or give --k."
        )
    content = table([answers for answers, _ in found], found[0][1])
    output.print(text(content), markup=False)
    folder = Path(arguments.run)
    if (folder / "settings.json").is_file():
        write_json(folder / "ranking.json", content)
        console.print(f"report: {build(folder)}")


def _one(arguments: argparse.Namespace, run: str) -> tuple[Any, str]:
    """One run's answers, and which sources they are about."""
    from torchcpc.commands.progress import bar, console
    from torchcpc.commands.sources import open_sources, roots_of
    from torchcpc.contracts import CPCError
    from torchcpc.data.splits import hold_out
    from torchcpc.information.calibrating import first_new, held_out
    from torchcpc.ranking.compare import answer
    from torchcpc.runs.pretrain import read_run
    from torchcpc.runs.saved import from_pretrained

    model, config = from_pretrained(run)
    model = model.to(arguments.device)
    horizons = model.predictor.horizons
    ks = arguments.k or [horizons[first_new(model)]]
    if unknown := [k for k in ks if k not in horizons]:
        raise CPCError(f"--k {unknown[0]}: this model predicts {horizons[0]} to {horizons[-1]} steps ahead. Choose among them.")
    described = read_run(Path(run)) if (Path(run) / "settings.json").is_file() else None
    roots = roots_of(run)
    own = _own(config, roots, needed=not arguments.data) if described else None
    if arguments.data or described is None:
        sources, origin = open_sources(config["data"], arguments.data), "the sources named"
        if {str(Path(root).resolve()) for root in arguments.data} & set(roots):
            console.print(
                "note: these are sources that the run trained on; ranks of them are too good. Leave DATA out for others."
            )
    else:
        assert own is not None  # opened where no data are named
        indices, origin = held_out(own, described)
        sources = own.select(indices)
    train = None
    if config["data"]["name"] == "text":
        if own is None or described is None:
            console.print("note: no training documents to count words in, so there is no row of TF-IDF")
        else:
            train = own.select(hold_out(own, described["seed"], **described["settings"]["split"]).train)
    with bar("ranking") as show:
        settings = {"candidates": arguments.candidates, "contexts": arguments.contexts, "seed": arguments.seed}
        answers = answer(
            model,
            sources,
            train,
            ks=ks,
            pools=arguments.pool,
            **settings,
            device=arguments.device,
            progress=show,
        )
    for line in answers.notes:
        console.print(f"note: {line}", markup=False)
    return answers, origin


def _own(config: Any, roots: list[str], *, needed: bool) -> Any:
    """The data of the run itself, for what it held out and for the words of its training documents; None where neither is to be had."""
    from torchcpc.commands.sources import open_sources
    from torchcpc.contracts import CPCError

    if not needed and config["data"]["name"] != "text":
        return None
    try:
        return open_sources(config["data"], roots)
    except CPCError:
        if needed:
            raise
        return None
