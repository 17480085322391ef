"""`cpc score RUN --context FILE --candidates FILE`: which of some sentences goes on from a text best, in nats."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from torchcpc.commands import partition


def rank(arguments: argparse.Namespace, model: Any, config: Mapping[str, Any]) -> None:
    """Prints the calibrated PMI of every candidate at every k, best first at the first k, or at --k. log Z is drawn from the sources
    named, or from those that the run held out."""
    from pathlib import Path

    import numpy as np

    from torchcpc.commands.progress import console, output
    from torchcpc.commands.sources import open_sources, roots_of
    from torchcpc.contracts import CPCError
    from torchcpc.data.text.queries import read_lines, read_text, split
    from torchcpc.information.calibrating import held_out
    from torchcpc.information.continuations import fitting
    from torchcpc.runs.pretrain import read_run

    if not (arguments.context and arguments.candidates):
        raise CPCError("--context and --candidates go together: a file of text, and a file of candidates, one a line.")
    if others := [name for name in ("out", "rank", "picture") if getattr(arguments, name)]:
        raise CPCError(f"--context prints its candidates and leaves --{others[0]} aside: run them one after the other.")
    context = split(config["data"], read_text(arguments.context))
    candidates = read_lines(arguments.candidates)
    described = read_run(Path(arguments.run)) if (Path(arguments.run) / "settings.json").is_file() else None
    sources = open_sources(config["data"], arguments.data or roots_of(arguments.run))
    indices, origin = list(range(len(sources))), "the sources named"
    if not arguments.data and described is not None:
        indices, origin = held_out(sources, described)
    sample = partition.draw(arguments, model, sources, indices, described)
    pmi_NK = fitting(model, sample, config["data"], context, candidates, device=arguments.device)
    horizons = model.predictor.horizons
    first = horizons.index(arguments.k) if arguments.k is not None else 0
    console.print(
        f"after {len(context)} sentences; log Z from {sample.estimand.samples} sentences of {sample.estimand.sources} sources: {origin}"
    )
    output.print("rank  " + "  ".join(f"k = {k:<3}" for k in horizons) + "  candidate (PMI in nats)", markup=False)
    for place, n in enumerate(np.argsort(-pmi_NK[:, first], kind="stable")[: arguments.top], start=1):
        values = "  ".join(f"{value:>7.3f}" for value in pmi_NK[n])
        output.print(f"{place:>4}  {values}  {candidates[n]}", markup=False)
