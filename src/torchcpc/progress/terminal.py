"""The listener of whoever sits at a terminal, or reads the log of a job later."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from torchcpc.contracts import Progress, silent
from torchcpc.progress.display import Display, Ticker
from torchcpc.progress.lines import Lines


class Terminal:
    """A `contracts.Listener` on the error stream: bars in a terminal, else plain lines.

    Args:
        display: What shows the work; by default the error stream decides, each time work begins.
    """

    def __init__(self, display: Display | None = None) -> None:
        self._given, self._display, self._muted = display, display, False

    def mute(self) -> None:
        """Says nothing until the command ends: another of several processes speaks."""
        self._muted = True
        if self._display is not None:
            self._display.muted = True

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        """One stage of the work; a stage within a stage is shown beside it."""
        with self._shown(name, base=False) as progress:
            yield progress

    @contextmanager
    def working(self, name: str) -> Iterator[None]:
        """A command as a whole: what is shown while it is in no stage, so that nothing long is silent."""
        muted = self._muted
        try:
            with self._shown(name, base=True):
                yield
        finally:
            self._muted = muted

    def note(self, text: str) -> None:
        """A line that stays."""
        if not self._muted:
            (self._display or _chosen()).write(text)

    def clear(self) -> None:
        """Makes room on the screen for a result."""
        if self._display is not None:
            self._display.clear()

    @contextmanager
    def _shown(self, name: str, *, base: bool) -> Iterator[Progress]:
        if self._muted:
            yield silent
            return
        display = self._display
        if display is not None and display.stages:
            yield from _in(display, name, base)
            return
        self._display = display = self._given or _chosen()
        try:
            with Ticker(display):
                yield from _in(display, name, base)
        finally:
            self._display = self._given


def _in(display: Display, name: str, base: bool) -> Iterator[Progress]:
    stage = display.open(name, base=base)

    def report(done: int, total: int | None, note: str = "") -> None:
        display.report(stage, done, total, note)

    try:
        yield report
    finally:
        display.close(stage)


def _chosen() -> Display:
    """Bars where the error stream is a terminal that can move its cursor, else lines."""
    if not sys.stderr.isatty() or os.environ.get("TERM", "") in ("dumb", "unknown"):
        return Lines()
    # Takes a tenth of a second, which a job need not wait.
    from rich.console import Console

    from torchcpc.progress.bars import Bars

    # No [markup] or :emoji:, which names may hold; soft_wrap, so that paths can be copied whole.
    return Bars(Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False))


TERMINAL = Terminal()
"""Shows progress and notes on the error stream: `torchcpc.train(..., listener=torchcpc.TERMINAL)`."""
