"""SIGINT and SIGTERM during training: they wait for the end of an update."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


class Terminated(SystemExit):
    """Raised when a command receives SIGTERM."""


def terminate(number: int, frame: FrameType | None) -> None:
    """Handle SIGTERM in a command. Unfinished files are removed on the way out, and the exit code is 128 + 15."""
    raise Terminated(128 + number)


# These handlers end the process, so they can wait until work is saved. Other handlers and ignored signals stay as they are.
_ENDING = (signal.SIG_DFL, signal.default_int_handler, terminate)


@dataclass(slots=True)
class Asked:
    """The signal that asks to stop.

    Attributes:
        number: The number of the signal, 0 for none.
    """

    number: int = 0


# The record of the outermost block in the main thread.
_outermost: Asked | None = None


@contextmanager
def deferred() -> Iterator[Asked]:
    """Delay SIGINT and SIGTERM until the block ends, so that the saved state lies between two updates.

    The first signal is only recorded. At the end of the outermost block, the old handlers return and the signal is
    raised again. SIGINT then raises KeyboardInterrupt, and SIGTERM ends the process. A second signal acts at once.
    Signals reach the main thread only, so in another thread nothing is recorded.

    Yields:
        The record of the signal. Its `number` is not 0 once a signal has arrived.
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
