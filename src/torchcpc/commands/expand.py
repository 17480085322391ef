"""`cpc expand RUN VECTORS -o NEW`: a text model with the words of a file of word vectors, mapped into its own embedding."""

import argparse
from pathlib import Path

from torchcpc.commands import options


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="run folder or saved model folder of a text model of words")
    parser.add_argument(
        "vectors", type=Path, metavar="VECTORS", help="word vectors in word2vec's or GloVe's text format, also .gz"
    )
    options.out(parser, "folder of the enlarged model", required=True, metavar="NEW")
    options.add(
        parser,
        ("most", int, 100_000, "N", "new words, the first of the file"),
        ("seed", int, 0, "N", "of the words held out to check the map (default: 0)"),
    )


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, note, output

    expanded = load(arguments).expand(arguments.vectors, arguments.out, most=arguments.most, seed=arguments.seed)
    for line in expanded.notes():
        note(line)
    output(expanded.text())
    note(f"enlarged model: {arguments.out}")
