"""How long work says how far it is, and what was skipped or guessed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """Called as work proceeds; total 0 or None: not known."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...


class Listener(Protocol):
    """What hears of long work: a terminal, a log, nobody."""

    def stage(self, name: str) -> AbstractContextManager[Progress]:
        """A stage of the work, such as "scanning", and how far it is."""
        ...

    def note(self, text: str) -> None:
        """One line that the user should know of: what was skipped, what was guessed."""
        ...


def silent(done: int, total: int, note: str = "") -> None:
    """No progress shown."""


class Quiet:
    """No bars; notes go to the log `torchcpc`."""

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        yield silent

    def note(self, text: str) -> None:
        logging.getLogger("torchcpc").info(text)


QUIET: Listener = Quiet()
"""Nobody listens: the default of what reports on its work."""
