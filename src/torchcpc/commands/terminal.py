"""Print what commands have to say: notes on the error stream, results on standard output."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rich.console import Console

from torchcpc.contracts import printable_lines
from torchcpc.progress import TERMINAL
from torchcpc.runs.model_files import check_name

if TYPE_CHECKING:
    from torchcpc.api import Run
    from torchcpc.results import SavedResult

# soft_wrap keeps paths whole, so that they can be copied. Names may hold [markup] or :emoji:, so both are off.
_output = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


def note(text: str) -> None:
    """Print one line about the progress of the command."""
    TERMINAL.note(text)


def output(text: str) -> None:
    """Print the result of the command."""
    TERMINAL.clear()
    _output.print(printable_lines(text))


def load(arguments: argparse.Namespace) -> Run:
    """Load the run that a command names. A wrong name is refused before torch is loaded."""
    check_name(arguments.run)
    with TERMINAL.stage("loading the model"):
        from torchcpc.api import load

        return load(arguments.run, device=vars(arguments).get("device", "cpu"), listener=TERMINAL)


def load_seeds(arguments: argparse.Namespace) -> list[Run]:
    """Load the runs of other seeds that a command names."""
    from torchcpc.api import load

    return [load(name, device=arguments.device, listener=TERMINAL) for name in arguments.seed_runs]


def show(run: Run, result: SavedResult, form: str = "text") -> None:
    """Print a result, then save it in the run and its report. A saved model without a run keeps nothing.

    Args:
        run: Run that the result belongs to.
        result: Result to print.
        form: One of the formats of `options.FORMAT`.
    """
    output(result.formatted(form))
    if run.trained.record is not None:
        run.keep(result)
        note(f"report: {run.report()}")
