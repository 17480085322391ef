"""`cpc nearest RUN DATA --text "..."`: the sentences, or steps of any kind, that are most like a given one."""

from __future__ import annotations

import argparse
from typing import Any


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="run folder, saved model folder, or Hub repository id")
    parser.add_argument("data", nargs="*", metavar="DATA", help="folders or manifests to search (default: the data of the run)")
    parser.add_argument(
        "--text", action="append", default=[], metavar="SENTENCE", help="a sentence to find the like of; repeatable"
    )
    parser.add_argument(
        "--step", action="append", default=[], metavar="SOURCE:STEP", help="a step of DATA, of any domain, instead; repeatable"
    )
    parser.add_argument("--by", default="z", help="z, a step by itself, or c, with all before it (default: %(default)s)")
    parser.add_argument("--top", type=int, default=10, metavar="N", help="that are printed (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, ... (default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    import numpy as np

    from torchcpc.commands.progress import bar, output
    from torchcpc.commands.sources import open_sources, roots_of
    from torchcpc.contracts import CPCError
    from torchcpc.data.text.queries import require_text, typed
    from torchcpc.representations.embed import frames
    from torchcpc.representations.nearest import KINDS, search
    from torchcpc.runs.saved import from_pretrained

    if not (arguments.text or arguments.step):
        raise CPCError('nothing to find: give a sentence with --text "...", or a step with --step SOURCE:STEP.')
    if arguments.by not in KINDS:
        raise CPCError(f"--by {arguments.by!r} is unknown. Choose one of {', '.join(KINDS)}.")
    if arguments.top < 1 or any(not sentence.strip() for sentence in arguments.text):
        raise CPCError(f"--top {arguments.top}: at least 1; and a --text cannot be empty.")
    model, config = from_pretrained(arguments.run)
    model = model.to(arguments.device)
    if arguments.text:
        require_text(config["data"])
    sources = open_sources(config["data"], arguments.data or roots_of(arguments.run))
    queries: list[tuple[str, Any, tuple[int, int] | None]] = []
    if arguments.text:
        found = frames(model, typed(config["data"], [[sentence] for sentence in arguments.text]), device=arguments.device)
        made = found[KINDS.index(arguments.by)]
        queries += [(sentence, x_1D[0], None) for sentence, x_1D in zip(arguments.text, made, strict=True)]
    for name in arguments.step:
        number, step = place_of(name, sources, model)
        x_TD = frames(model, sources.select([number]), device=arguments.device)[KINDS.index(arguments.by)][0]
        queries.append((name, x_TD[step], (number, step)))
    with bar("searching") as show:
        everything = search(
            model,
            sources,
            np.stack([x_D for _, x_D, _ in queries]),
            kind=arguments.by,
            # The step itself is the most like itself.
            top=arguments.top + 1,
            device=arguments.device,
            progress=show,
        )
    for (name, _, own), near in zip(queries, everything, strict=True):
        output.print(f"nearest to: {name}", markup=False)
        output.print("rank  cosine    step  source", markup=False)
        others = [each for each in near if (each.source, each.step) != own][: arguments.top]
        for rank, each in enumerate(others, start=1):
            said = f"  {sources.text(each.source, each.step, 1)[0]}" if config["data"]["name"] == "text" else ""
            output.print(
                f"{rank:>4}  {each.cosine:>6.3f}  {each.step:>6}  {sources.items[each.source].key}{said}", markup=False
            )


def place_of(name: str, sources: Any, model: Any) -> tuple[int, int]:
    """The number of the source and the step that SOURCE:STEP names. Raises CPCError for one that is not there."""
    from torchcpc.contracts import CPCError

    key, colon, number = name.rpartition(":")
    known = {item.key: place for place, item in enumerate(sources.items)}
    if not colon or not number.isdigit() or key not in known:
        raise CPCError(f"{name!r}: expected SOURCE:STEP with a source of DATA, for instance {next(iter(known))}:0.")
    if model.encoder.layout.sequences > 1:
        raise CPCError(f"{name!r}: a step of {key} is one of {model.encoder.layout.sequences} sequences of a picture.")
    steps = sources.length(known[key]) // model.encoder.stride
    if int(number) >= steps:
        raise CPCError(f"{name!r}: {key} has {steps} steps, so its last is {steps - 1}.")
    return known[key], int(number)
