"""`cpc expand RUN VECTORS -o NEW`: a text model with the words of a file of word vectors, mapped into its own embedding."""

from __future__ import annotations

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder or saved model folder of a text model of words")
    parser.add_argument(
        "vectors", type=Path, metavar="VECTORS", help="word vectors, word2vec's or GloVe's text format, also .gz"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="NEW", help="folder of the enlarged model")
    parser.add_argument(
        "--most", type=int, default=100_000, metavar="N", help="new words, the first of the file (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the words held out to check the map (default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.progress import bar, console, output
    from torchcpc.data.text.word_vectors import open_vectors
    from torchcpc.runs.expand_vocabulary import expand

    vectors = open_vectors(arguments.vectors)
    with bar("reading") as show:
        found = expand(
            arguments.run,
            vectors,
            arguments.out,
            most=arguments.most,
            seed=arguments.seed,
            progress=lambda stage, lines: show(lines, vectors.announced or lines, stage),
        )
    if vectors.malformed or vectors.repeated or found.unreachable:
        console.print(
            f"left out: {vectors.malformed} malformed lines, {vectors.repeated} repeated words, {found.unreachable} that the tokenizer "
            "never makes a word of",
            markup=False,
        )
    if vectors.announced is not None and found.added < arguments.most and vectors.read + vectors.malformed < vectors.announced:
        console.print(f"note: the file announces {vectors.announced} words and holds {vectors.read}; it may be cut off")
    check = found.check
    output.print(
        f"map from {vectors.dim} numbers, on {check.held_out} words not fitted (fit: {check.fitted}): R2 {check.r2:.3f} (mean vector 0), "
        f"cosine {check.cosine:.3f} (mean vector {check.mean_cosine:.3f})",
        markup=False,
    )
    output.print(
        f"{found.added} new words beside those trained, {found.shared} of which the file has too: {arguments.out}", markup=False
    )
