"""`cpc rank RUN`: rank the true future among other candidates.

It does so over many contexts, for one context, or for a text and given sentences.
"""

import argparse
from pathlib import Path

from torchcpc.commands import options

# Fields of ranking.RankSpec -> their options.
SPEC = {"ks": "k", "candidates": "candidates", "contexts": "contexts", "pools": "pool", "seed": "seed"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Measure how often the model ranks the true future first among other candidates. Use it to see whether the model predicts "
        "at all. With --step it ranks the candidates of one context; with --context it ranks sentences that may continue a text."
    )
    options.run(parser)
    options.add(
        parser,
        options.SEED_RUNS,
        ("k", (int, "+"), None, "K", "Predict K steps ahead (default: the first step that shares no input with its context)."),
        ("candidates", int, None, "N", "Rank N candidates, of which one is the true future (default: 100)."),
        ("contexts", int, None, "N", "Draw N contexts from each source (default: 500)."),
        (
            *("pool", (str, "+"), None, "NAME"),
            "Draw the other candidates from 'any source' or the 'same source' (default: both, if sources are long enough).",
        ),
        ("seed", int, None, "N", "Seed of the contexts and the candidates (default: 0)."),
        ("step", str, None, "SOURCE:STEP", "Print the best candidates for the future of this one step instead."),
        ("context", Path, None, "FILE", "Rank the sentences of --candidates-file as the continuation of this text instead."),
        ("candidates-file", Path, None, "FILE", "File of the sentences to rank with --context, one a line."),
        ("top", int, 10, "N", "Print the N best candidates, with --step or --context."),
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
