"""`cpc nearest RUN DATA --text "..."`: the sentences, or steps of any kind, that are most similar to a given one."""

import argparse

from torchcpc.commands import options


def arguments(parser: argparse.ArgumentParser) -> None:
    options.run(parser, data="the data of the run")
    parser.add_argument(
        "--text", action="append", default=[], metavar="SENTENCE", help="a sentence to compare with; repeatable"
    )
    parser.add_argument(
        "--step", action="append", default=[], metavar="SOURCE:STEP", help="a step of DATA to compare with; repeatable"
    )
    options.add(
        parser,
        ("by", str, "z", "NAME", "compare z (one step) or c (a step and its past)"),
        ("top", int, 10, "N", "how many"),
        options.FORMAT,
    )


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, output

    run = load(arguments)
    table = run.nearest(
        arguments.data or None, sentences=tuple(arguments.text), steps=tuple(arguments.step), by=arguments.by, top=arguments.top
    )
    output(table.formatted(arguments.format))
