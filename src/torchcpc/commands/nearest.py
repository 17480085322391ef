"""`cpc nearest RUN DATA --text "..."`: find the sentences or steps that are most similar to a given one."""

import argparse

from torchcpc.commands import options


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Find the steps of your data that are most similar to a given step, or to a sentence that you type. Use it to search a "
        "collection, or to see which steps the model finds similar. It compares by cosine similarity."
    )
    options.run(parser, data="the data of the run")
    parser.add_argument(
        "--text", action="append", default=[], metavar="SENTENCE", help="Sentence to search for; can be given several times."
    )
    parser.add_argument(
        "--step",
        action="append",
        default=[],
        metavar="SOURCE:STEP",
        help="Step of DATA to search for; can be given several times.",
    )
    options.add(
        parser,
        ("by", str, "z", "NAME", "Compare z, which holds one step, or c, which also holds its past."),
        ("top", int, 10, "N", "Print the N most similar steps."),
        options.FORMAT,
    )


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, output

    run = load(arguments)
    table = run.nearest(
        arguments.data or None, sentences=tuple(arguments.text), steps=tuple(arguments.step), by=arguments.by, top=arguments.top
    )
    output(table.formatted(arguments.format))
