"""`cpc report RUN`: build the HTML report of a run from its files."""

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Build the HTML report of a run: one page with its training and every result so far. Other commands already update the "
        "report. Use this one if the page was deleted, or after an update of torchcpc."
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="Run folder, as `cpc train` writes it.")


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import note
    from torchcpc.report import build_report
    from torchcpc.runs.standing import status_note

    if status := status_note(arguments.run):
        note(status)
    note(f"report: {build_report(arguments.run)}")
