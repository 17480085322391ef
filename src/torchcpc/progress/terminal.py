"""A listener that shows progress on the error stream."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from torchcpc.contracts import Progress, silent
from torchcpc.progress.display import Display, Ticker
from torchcpc.progress.lines import Lines


class Terminal:
    """A `Listener` that shows progress and notes on the error stream.

    It draws bars in a terminal and writes plain lines elsewhere.

    Args:
        display: What shows the work. By default the type of the error stream decides, each time work begins.
    """

    def __init__(self, display: Display | None = None) -> None:
        self._given, self._display, self._muted = display, display, False

    def mute(self) -> None:
        """Show nothing until the command ends, because another process shows its progress."""
        self._muted = True
        if self._display is not None:
            self._display.muted = True

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        """Open one stage of the work.

        A stage inside another stage is shown below it.

        Args:
            name: What the work is, for example "scanning".

        Yields:
            A function `progress(done, total, note)` that reports how much is done.
        """
        with self._shown(name, base=False) as progress:
            yield progress

    @contextmanager
    def working(self, name: str) -> Iterator[None]:
        """Open a command as a whole.

        It is shown while no other stage is open, so that long work is never silent.

        Args:
            name: The name of the command.
        """
        muted = self._muted
        try:
            with self._shown(name, base=True):
                yield
        finally:
            self._muted = muted

    def note(self, text: str) -> None:
        """Show a line that stays."""
        if not self._muted:
            (self._display or _chosen()).write(text)

    def clear(self) -> None:
        """Make room on the screen for a result."""
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
    """Return bars if the error stream is a terminal with a movable cursor, and lines if not."""
    if not sys.stderr.isatty() or os.environ.get("TERM", "") in ("dumb", "unknown"):
        return Lines()
    # This import takes a tenth of a second, and a job without bars does not need it.
    from rich.console import Console

    from torchcpc.progress.bars import Bars

    # Names may contain [markup] or :emoji:, so both are off. With soft_wrap, long paths can be copied whole.
    return Bars(Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False))


TERMINAL = Terminal()
"""A listener that shows progress and notes on the error stream: `torchcpc.train(..., listener=torchcpc.TERMINAL)`."""
