"""`cpc score RUN DATA -o FILE`: how well each true future fits its context, in nats; candidates ranked; peaks and plateaus drawn."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from torchcpc.commands import continuations, partition


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="run folder, saved model folder, or Hub repository id")
    parser.add_argument("data", nargs="*", metavar="DATA", help="folders or manifests (default: half of what the run held out)")
    parser.add_argument(
        "-o", "--out", type=Path, metavar="FILE", help="PMI and surprise (-PMI) of every t and k: .parquet or .npz"
    )
    parser.add_argument("--rank", metavar="SOURCE:STEP", help="print the best candidates for the future of this context")
    parser.add_argument(
        "--k", type=int, metavar="K", help="steps ahead for --rank, --picture and --candidates (default: first without overlap)"
    )
    parser.add_argument("--top", type=int, default=10, metavar="N", help="candidates that are printed (default: %(default)s)")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="scores of sorted candidates by context, as .svg or .png")
    parser.add_argument("--context", type=Path, metavar="FILE", help="text to go on from, with --candidates")
    parser.add_argument("--candidates", type=Path, metavar="FILE", help="sentences, one a line: how well each goes on from it")
    partition.arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.progress import bar, console
    from torchcpc.commands.sources import open_sources, roots_of
    from torchcpc.contracts import CPCError
    from torchcpc.information.calibrating import first_new, held_out_halves
    from torchcpc.information.score_files import pair_rows
    from torchcpc.information.scoring import steps_of
    from torchcpc.representations.files import clock, write_rows
    from torchcpc.runs.pretrain import read_run
    from torchcpc.runs.saved import from_pretrained

    if not (arguments.out or arguments.rank or arguments.picture or arguments.context or arguments.candidates):
        raise CPCError(
            "nothing to do: name a file with -o, a context with --rank SOURCE:STEP, a --picture, or a --context of text."
        )
    model, config = from_pretrained(arguments.run)
    model = model.to(arguments.device)
    horizons = model.predictor.horizons
    if arguments.k is not None and arguments.k not in horizons:
        raise CPCError(
            f"--k {arguments.k}: this model predicts {horizons[0]} to {horizons[-1]} steps ahead. Choose among them."
        )
    if arguments.context or arguments.candidates:
        return continuations.rank(arguments, model, config)
    index = first_new(model) if arguments.k is None else horizons.index(arguments.k)
    described = read_run(Path(arguments.run)) if (Path(arguments.run) / "settings.json").is_file() else None
    roots = roots_of(arguments.run)
    sources = open_sources(config["data"], arguments.data or roots)
    if arguments.data or described is None:
        # Every source is scored against samples of all the others: the marginal is that of the data named.
        drawn_from = scored = list(range(len(sources)))
        if described is not None and {str(Path(root).resolve()) for root in arguments.data} & set(roots):
            console.print(
                "note: these are sources that the run trained on; scores of them are too high. Leave DATA out for others."
            )
    else:
        drawn_from, scored, origin = held_out_halves(sources, described)
        console.print(f"{len(scored)} sources scored, log Z from {len(drawn_from)} others: {origin}")
    sample = partition.draw(arguments, model, sources, drawn_from, described)
    estimand = sample.estimand
    words = f"log Z from {estimand.samples} samples of {estimand.sources} sources; the mean estimates {estimand.name}"
    keys = [item.key for item in sources.items]
    seconds = model.encoder.stride / sources.rate
    if arguments.out:
        with bar("scoring") as show:
            steps = steps_of(model, sources.select(scored), device=arguments.device, progress=show)
            rows = pair_rows(model, sample, steps, scored, keys, clock(sources, model.encoder.stride))
            count = write_rows(
                arguments.out, rows, nothing=f"no source is longer than k = {horizons[0]} steps: nothing was scored."
            )
        console.print(f"{count} pairs (t, k) in {arguments.out}; {words}")
    if arguments.rank:
        _rank(arguments, model, sample, sources, scored, index, seconds)
    if arguments.picture:
        _picture(arguments, model, sample, sources, scored, index)


def _rank(
    arguments: argparse.Namespace, model: Any, sample: Any, sources: Any, scored: list[int], index: int, seconds: float
) -> None:
    """The best candidates among all steps of the sources that are scored, on standard output."""
    import torch

    from torchcpc.commands.progress import bar, output
    from torchcpc.contracts import CPCError
    from torchcpc.information.score_files import best_candidates
    from torchcpc.information.scoring import silent, steps_of

    key, colon, number = arguments.rank.rpartition(":")
    known = {sources.items[i].key: i for i in scored}
    if not colon or not number.isdigit() or key not in known:
        raise CPCError(
            f"--rank {arguments.rank!r}: expected SOURCE:STEP with a source that is scored, for instance {next(iter(known))}:0."
        )
    k, step = model.predictor.horizons[index], int(number)
    own, *others = steps_of(model, sources.select([known[key]]), device=arguments.device, progress=silent)
    if others:
        raise CPCError(f"--rank {arguments.rank!r}: a step of {key} is one of {len(others) + 1} sequences. Leave --rank out.")
    if step + k >= len(own.c_TC):
        raise CPCError(
            f"--rank {arguments.rank!r}: {key} has {len(own.c_TC)} steps, so its last context for k = {k} is {len(own.c_TC) - k - 1}."
        )
    context_C = own.c_TC[step].to(arguments.device)
    with torch.inference_mode():
        p_11D = model.predictor(context_C.view(1, 1, -1))[0, :, index : index + 1]
        log_z = sample(p_11D, *(torch.tensor([value], device=p_11D.device) for value in (known[key], own.group))).item()
    with bar("ranking") as show:
        steps = steps_of(model, sources.select(scored), device=arguments.device, progress=show)
        true = (known[key], step + k)
        best, place, total = best_candidates(model, context_C, log_z, steps, true, scored, index=index, top=arguments.top)
    output.print(f"candidates for {key}, step {step} + {k}; the true future has rank {place} of {total}", markup=False)
    output.print("rank  PMI (nats)    time_s  step  source", markup=False)
    for rank, (pmi, source, t) in enumerate(best, start=1):
        mark = "  <- the true future" if (source, t) == true else ""
        output.print(f"{rank:>4}  {pmi:>10.3f}  {t * seconds:>8.3f}  {t:>4}  {sources.items[source].key}{mark}", markup=False)


def _picture(arguments: argparse.Namespace, model: Any, sample: Any, sources: Any, scored: list[int], index: int) -> None:
    from dataclasses import asdict

    from torchcpc.commands.progress import bar, console
    from torchcpc.information.score_profiles import peaks
    from torchcpc.information.scoring import steps_of
    from torchcpc.report.information_figures import save_peaks

    with bar("drawing") as show:
        steps = steps_of(model, sources.select(scored), device=arguments.device, progress=show)
        drawn = peaks(model, sample, [each._replace(source=scored[each.source]) for each in steps], index=index)
    save_peaks(arguments.picture, {"k": model.predictor.horizons[index], "contexts": [asdict(peak) for peak in drawn]})
    console.print(f"picture: {arguments.picture}")
