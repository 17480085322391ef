"""SIGINT and SIGTERM wait for the end of an update, and then act as they would have acted at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


class Terminated(SystemExit):
    """A command was sent SIGTERM."""


def terminate(number: int, frame: FrameType | None) -> None:
    """The handler of SIGTERM in a command: what is half written is removed on the way out, and the exit code is that of a shell."""
    raise Terminated(128 + number)


# What ends the process anyway can wait until its work is saved. Another handler, and a signal that is ignored, stay as they are.
_ENDING = (signal.SIG_DFL, signal.default_int_handler, terminate)


@dataclass(slots=True)
class Asked:
    """Which signal asks to stop, 0 for none."""

    number: int = 0


# Of the outermost block of the main thread.
_outermost: Asked | None = None


@contextmanager
def deferred() -> Iterator[Asked]:
    """Within it, the first SIGINT or SIGTERM is only noted, so that what is saved is a state between two updates.

    At the end of the outermost block the handlers are as before and the signal is raised again: KeyboardInterrupt for SIGINT, the end of
    the process for SIGTERM. A second signal acts at once. Signals belong to the main thread: in another one nothing is noted.
    """
    global _outermost
    if threading.current_thread() is not threading.main_thread():
        yield Asked()
        return
    if _outermost is not None:
        yield _outermost
        return
    asked = _outermost = Asked()
    before = {n: handler for n in (signal.SIGINT, signal.SIGTERM) if (handler := signal.getsignal(n)) in _ENDING}

    def note(number: int, frame: FrameType | None) -> None:
        if asked.number:
            asked.number = 0
            restore()
            signal.raise_signal(number)
        asked.number = number

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, note)
    try:
        yield asked
    finally:
        _outermost = None
        restore()
        if asked.number:
            signal.raise_signal(asked.number)
