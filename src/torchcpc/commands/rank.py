"""`cpc rank RUN`: where the true future ranks among others: over many contexts, for one context, or for a text and given sentences."""

import argparse
from pathlib import Path

from torchcpc.commands import options

# Fields of ranking.RankSpec and their options.
SPEC = {"ks": "k", "candidates": "candidates", "contexts": "contexts", "pools": "pool", "seed": "seed"}


def arguments(parser: argparse.ArgumentParser) -> None:
    options.run(parser)
    options.add(
        parser,
        options.SEED_RUNS,
        ("k", (int, "+"), None, "K", "steps ahead (default: first without overlap)"),
        ("candidates", int, None, "N", "with the true one (default: 100)"),
        ("contexts", int, None, "N", "drawn of each source (default: 500)"),
        ("pool", (str, "+"), None, "NAME", "'any source', 'same source' (default: both, where sources are long enough)"),
        ("seed", int, None, "N", "of the draw (default: 0)"),
        ("step", str, None, "SOURCE:STEP", "instead: the best candidates for the future of this one context"),
        ("context", Path, None, "FILE", "instead: a text to continue, with --candidates-file"),
        ("candidates-file", Path, None, "FILE", "sentences, one a line, that may continue it"),
        ("top", int, 10, "N", "of --step and --context: candidates printed"),
        *options.PARTITION,
        options.FORMAT,
    )


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, load_seeds, output, show
    from torchcpc.contracts import CPCError

    if bool(arguments.context) != bool(arguments.candidates_file):
        raise CPCError("--context and --candidates-file go together: a file of text, and a file of candidates, one a line.")
    spec = {name: getattr(arguments, option) for name, option in SPEC.items() if getattr(arguments, option) is not None}
    one = [f"--{option}" for option in ("context", "step") if getattr(arguments, option)]
    others = [f"--{option}".replace("_", "-") for option in (*SPEC.values(), "seed_runs") if getattr(arguments, option)]
    wrong = [option for option in others if option != "--k" or len(arguments.k) > 1] if one else []
    if faults := [*one[1:], *wrong]:
        raise CPCError(f"{one[0]} asks about one context and one --k; {faults[0]} does not go with it. Leave one of them out.")
    run = load(arguments)
    data, k = arguments.data or None, arguments.k[0] if arguments.k else None
    sample = options.values(arguments, *options.PARTITION)
    if arguments.context:
        from torchcpc.data.text.texts import read_lines, read_text

        texts = read_text(arguments.context), read_lines(arguments.candidates_file)
        output(run.rank_texts(*texts, data, k=k, top=arguments.top, **sample).formatted(arguments.format))
    elif arguments.step:
        output(run.rank_step(arguments.step, data, k=k, top=arguments.top, **sample).formatted(arguments.format))
    else:
        show(run, run.rank(data, seed_runs=load_seeds(arguments), **spec), arguments.format)
