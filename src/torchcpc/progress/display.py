"""What shows the stages that are open, and the thread that lets it look at the clock while the work is busy."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType

from torchcpc.progress.stage import Stage

Clock = Callable[[], float]


class Display(ABC):
    """Shows the open stages. A stage within a stage is shown beside it. One lock guards all of it.

    Args:
        clock: The seconds that pass.
    """

    # Seconds between two looks at the clock.
    EVERY_S = 1.0

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.clock, self.stages, self.muted = clock, list[Stage](), False
        self.lock = threading.RLock()

    def open(self, name: str, *, base: bool = False) -> Stage:
        with self.lock:
            self.stages.append(stage := Stage(name, self.clock(), base))
            self.opened(stage)
            return stage

    def report(self, stage: Stage, done: int, total: int | None, note: str) -> None:
        """What is shown follows at the next tick: reports may come a thousand times a second."""
        with self.lock:
            stage.report(self.clock(), done, total, note)

    def close(self, stage: Stage) -> None:
        with self.lock:
            self.stages.remove(stage)
            self.closed(stage)

    def shown(self) -> list[Stage]:
        """The stages that are worth a line: the command as a whole only where there is no other."""
        return [stage for stage in self.stages if not stage.base] or self.stages[-1:]

    def clear(self) -> None:
        """Makes room on the screen for what is printed elsewhere."""
        return

    def opened(self, stage: Stage) -> None:
        """Hears of a new stage."""
        return

    def closed(self, stage: Stage) -> None:
        """Hears that a stage is over."""
        return

    @abstractmethod
    def tick(self) -> None:
        """Shows what is due now."""

    @abstractmethod
    def write(self, text: str) -> None:
        """A line of its own."""


class Ticker:
    """A thread that ticks a display. It, and not the work, looks at the clock: an import or a first read reports nothing for minutes."""

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
            except (OSError, ValueError):  # the stream is closed: nobody listens any more, and the work goes on
                return
