"""What the commands show while they work: one bar on the error stream, so that standard output stays clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

# Plain text when not a terminal; soft_wrap so that paths can be copied whole.
console = Console(stderr=True, highlight=False, soft_wrap=True)
# For what was asked for, as opposed to how it went.
output = Console(highlight=False, soft_wrap=True)


@contextmanager
def bar(label: str) -> Iterator[Callable[..., None]]:
    """A progress bar as a callable (done, total, note=""); nothing is drawn before the first call or off a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, TextColumn("{task.fields[note]}"), console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(label, total=None, note="")

        def show(done: int, total: int, note: str = "") -> None:
            progress.update(task, completed=done, total=total, note=note)

        yield show
