"""`cpc demo`: the whole workflow on data that is already installed. It only runs the commands that it prints."""

import argparse
import shlex
from importlib import import_module
from pathlib import Path

from torchcpc.commands import options

# A fixed number of updates gives the same table on every machine. More of them change the supervised row by less than a point.
SUPERVISED = ("--supervised-steps", "1500")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Train, embed, probe and report on the handwritten digits of scikit-learn, in under two minutes. Use it to see every step "
        "of the work once. It prints each command before it runs it."
    )
    options.out(parser, "New folder for the run (default: runs/digits, with a number if that exists).", metavar="RUN")


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import note

    folder = arguments.out or _free(Path("runs") / "digits")
    # The network is very small: converting to bfloat16 would cost more time than bfloat16 saves.
    for command in (
        ["train", "digits", "-o", str(folder), "--precision", "32-true"],
        ["embed", str(folder), "-o", str(folder / "embeddings.parquet"), "--per", "source"],
        ["probe", str(folder), "--label", "digit", "--full", "--probes", "linear", "--curve", "1", "10", *SUPERVISED],
    ):
        note("")
        note(f"$ cpc {shlex.join(command)}")
        name, *words = command
        module = import_module(f"torchcpc.commands.{name}")
        parser = argparse.ArgumentParser()
        module.arguments(parser)
        module.run(parser.parse_args(words))
    note("")
    note(f"open {folder / 'report.html'} in a browser")


def _free(path: Path) -> Path:
    number = 2
    candidate = path
    while candidate.exists():
        candidate, number = path.with_name(f"{path.name}-{number}"), number + 1
    return candidate
