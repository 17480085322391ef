"""What commands show in a terminal: bars and notes on the error stream, results on standard output."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from torchcpc.contracts import Progress, printable, printable_lines
from torchcpc.runs.model_files import check_name

if TYPE_CHECKING:
    from torchcpc.api import Run
    from torchcpc.results import SavedResult

# Plain text when not a terminal; soft_wrap so that paths can be copied whole; and no [markup] or :emoji:, which names may hold.
_errors = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
_output = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


class Terminal:
    """A `contracts.Listener`. A stage within a stage is another bar of the same display, of which a terminal can have one."""

    def __init__(self) -> None:
        self._bars: Bars | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        """A bar; nothing is drawn before the first call or off a terminal."""
        if self._bars is not None:
            yield self._bar(self._bars, name)
            return
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        more = TextColumn("{task.fields[note]}", markup=False)
        with Bars(*columns, more, console=_errors, transient=True, disable=not _errors.is_terminal) as self._bars:
            try:
                yield self._bar(self._bars, name)
            finally:
                self._bars = None

    def note(self, text: str) -> None:
        _errors.print(printable(text))

    @staticmethod
    def _bar(bars: Bars, name: str) -> Progress:
        task = bars.add_task(printable(name), total=None, note="")

        def show(done: int, total: int, note: str = "") -> None:
            bars.update(task, completed=done, total=total, note=printable(note))

        return show


TERMINAL = Terminal()


def note(text: str) -> None:
    """One line on how it went."""
    TERMINAL.note(text)


def output(text: str) -> None:
    """What was asked for."""
    _output.print(printable_lines(text))


def load(arguments: argparse.Namespace) -> Run:
    """The run that a command names. A wrong name is refused before torch is loaded."""
    check_name(arguments.run)
    from torchcpc.api import load

    return load(arguments.run, device=vars(arguments).get("device", "cpu"), listener=TERMINAL)


def load_seeds(arguments: argparse.Namespace) -> list[Run]:
    """The runs of other seeds that a command names."""
    from torchcpc.api import load

    return [load(name, device=arguments.device, listener=TERMINAL) for name in arguments.seed_runs]


def show(run: Run, result: SavedResult) -> None:
    """Prints a result, then keeps it in the run and its report, where there is a run."""
    output(result.text())
    if run.trained.record is not None:
        run.keep(result)
        note(f"report: {run.report()}")
