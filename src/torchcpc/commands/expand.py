"""`cpc expand RUN VECTORS -o NEW`: add the words of a file of word vectors to a text model."""

import argparse
from pathlib import Path

from torchcpc.commands import options


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Add words to a text model, from a file of word vectors such as word2vec or GloVe. Use it when your texts hold many words "
        "that the model does not know. A linear map takes the new vectors into the embedding of the model."
    )
    parser.add_argument("run", metavar="RUN", help="Run folder or saved model folder of a text model with whole words.")
    parser.add_argument(
        "vectors",
        type=Path,
        metavar="VECTORS",
        help="File of word vectors in the text format of word2vec or GloVe, also compressed as .gz.",
    )
    options.out(parser, "Folder for the enlarged model.", required=True, metavar="NEW")
    options.add(
        parser,
        ("most", int, 100_000, "N", "Add at most N words, from the beginning of the file."),
        ("seed", int, 0, "N", "Seed of the choice of words that check the map (default: 0)."),
    )


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, note, output

    expanded = load(arguments).expand(arguments.vectors, arguments.out, most=arguments.most, seed=arguments.seed)
    for line in expanded.notes():
        note(line)
    output(expanded.text())
    note(f"enlarged model: {arguments.out}")
