"""The display of open stages, and the thread that updates it while the work is busy."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType

from torchcpc.progress.stage import Stage

Clock = Callable[[], float]


class Display(ABC):
    """A display of the open stages.

    Nested stages are shown one below another. One lock guards the whole display.

    Args:
        clock: Returns the current time in seconds. Default: time.monotonic.
    """

    # Seconds between two ticks.
    EVERY_S = 1.0

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.clock, self.stages, self.muted = clock, list[Stage](), False
        self.lock = threading.RLock()

    def open(self, name: str, *, base: bool = False) -> Stage:
        """Open a stage and return it.

        Args:
            name: What the work is, for example "scanning".
            base: Whether the stage is the command as a whole.
        """
        with self.lock:
            self.stages.append(stage := Stage(name, self.clock(), base))
            self.opened(stage)
            return stage

    def report(self, stage: Stage, done: int, total: int | None, note: str) -> None:
        """Record how much of a stage is done.

        The display follows at the next tick, so this may be called a thousand times a second.

        Args:
            stage: The stage.
            done: The items that are done.
            total: All items, or None if that is not known.
            note: A text about the current item.
        """
        with self.lock:
            stage.report(self.clock(), done, total, note)

    def close(self, stage: Stage) -> None:
        """Remove a stage that has ended."""
        with self.lock:
            self.stages.remove(stage)
            self.closed(stage)

    def shown(self) -> list[Stage]:
        """Return the stages to show. The command as a whole is shown only if no other stage is open."""
        return [stage for stage in self.stages if not stage.base] or self.stages[-1:]

    def clear(self) -> None:
        """Make room on the screen for other output."""
        return

    def opened(self, stage: Stage) -> None:
        """React to a new stage."""
        return

    def closed(self, stage: Stage) -> None:
        """React to the end of a stage."""
        return

    @abstractmethod
    def tick(self) -> None:
        """Show what is due now."""

    @abstractmethod
    def write(self, text: str) -> None:
        """Show a line that stays."""


class Ticker:
    """A thread that ticks a display.

    The work itself may report nothing for minutes, for example during an import. A separate thread keeps the display
    up to date.

    Args:
        display: The display to tick.
    """

    def __init__(self, display: Display) -> None:
        self._display, self._over = display, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="torchcpc-progress")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._over.wait(self._display.EVERY_S):
            try:
                with self._display.lock:
                    if self._display.stages and not self._display.muted:
                        self._display.tick()
            except (OSError, ValueError):  # the stream is closed; the work goes on without a display
                return
