"""`cpc rank RUN`: where the true future ranks among others: over many contexts, for one context, or for a text and given sentences."""

import argparse
from pathlib import Path

from torchcpc.commands import options

# Fields of ranking.RankSpec and their options.
SPEC = {"ks": "k", "candidates": "candidates", "contexts": "contexts", "pools": "pool", "seed": "seed"}


def arguments(parser: argparse.ArgumentParser) -> None:
    options.run(parser)
    options.seed_runs(parser)
    parser.add_argument("--k", nargs="+", type=int, metavar="K", help="steps ahead (default: first without overlap)")
    parser.add_argument("--candidates", type=int, metavar="N", help="with the true one (default: 100)")
    parser.add_argument("--contexts", type=int, metavar="N", help="drawn of each source (default: 500)")
    parser.add_argument(
        "--pool", nargs="+", metavar="NAME", help="'any source', 'same source' (default: both, where sources are long enough)"
    )
    parser.add_argument("--seed", type=int, help="of the draw (default: 0)")
    parser.add_argument("--step", metavar="SOURCE:STEP", help="instead: the best candidates for the future of this one context")
    parser.add_argument("--context", type=Path, metavar="FILE", help="instead: a text to continue, with --candidates-file")
    parser.add_argument("--candidates-file", type=Path, metavar="FILE", help="sentences, one a line, that may continue it")
    parser.add_argument(
        "--top", type=int, default=10, metavar="N", help="of --step and --context: candidates printed (default: 10)"
    )
    options.partition(parser)


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
    sample = options.partition_of(arguments)
    if arguments.context:
        from torchcpc.data.text.texts import read_lines, read_text

        texts = read_text(arguments.context), read_lines(arguments.candidates_file)
        output(run.rank_texts(*texts, data, k=k, top=arguments.top, **sample).text())
    elif arguments.step:
        output(run.rank_step(arguments.step, data, k=k, top=arguments.top, **sample).text())
    else:
        show(run, run.rank(data, seed_runs=load_seeds(arguments), **spec))
