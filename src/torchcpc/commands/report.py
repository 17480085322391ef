"""`cpc report RUN`: the page about a run, rebuilt from its files."""

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a run, as `cpc train` writes it")


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import note
    from torchcpc.report import build_report
    from torchcpc.runs.standing import told

    if said := told(arguments.run):
        note(said)
    note(f"report: {build_report(arguments.run)}")
