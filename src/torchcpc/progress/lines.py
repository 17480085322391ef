"""Progress as plain lines, for a file or a job log.

The first line comes soon. The intervals between later lines grow.
"""

import sys
import time
from collections.abc import Callable

from torchcpc.contracts import printable
from torchcpc.progress.display import Clock, Display
from torchcpc.progress.stage import Stage, clock

# Seconds before the first line of a stage, and between later lines. The last interval repeats.
FIRST_S, INTERVALS_S = 10.0, (20.0, 30.0, 60.0)
WIDTH = 80


def to_stderr(text: str) -> None:
    """Write one line to the error stream.

    The stream is looked up at each call, because other code may replace it.
    """
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


class Lines(Display):
    """Plain lines of progress.

    The time between two lines is counted over all stages together. So a series of short stages is not silent.

    Args:
        put: Writes one line. Default: to the error stream.
        clock: Returns the current time in seconds. Default: time.monotonic.
    """

    def __init__(self, put: Callable[[str], None] = to_stderr, clock: Clock = time.monotonic) -> None:
        super().__init__(clock)
        self._put, self._due, self._count = put, 0.0, 0
        # The number of lines by name of the stage. A stage that is repeated is not announced again.
        self._known: dict[str, int] = {}

    def opened(self, stage: Stage) -> None:
        """Plan the first line of a new stage."""
        soon = stage.began + FIRST_S
        if len(self.stages) == 1:
            self._due, self._count, self._known = soon, 0, {}
        elif stage.name not in self._known:
            self._due = min(self._due, soon)

    def closed(self, stage: Stage) -> None:
        """Write a last line for a stage that had lines before."""
        if self._known.get(stage.name) and not stage.base:
            of = f", {stage.done:,}" + f"/{stage.total:,}" * bool(stage.total) if stage.done else ""
            self._put(_cut(f"{printable(stage.name)}: ended after {clock(self.clock() - stage.began)}{of}"))
            self._known[stage.name] = 0

    def tick(self) -> None:
        """Write a line for each open stage, if one is due."""
        now = self.clock()
        if now < self._due:
            return
        for stage in self.shown():
            for line in lines_of(stage, now):
                self._put(line)
            self._known[stage.name] = self._known.get(stage.name, 0) + 1
        self._due = now + INTERVALS_S[min(self._count, len(INTERVALS_S) - 1)]
        self._count += 1

    def write(self, text: str) -> None:
        """Write a line at once."""
        with self.lock:
            self._put(printable(text))


def lines_of(stage: Stage, now: float) -> list[str]:
    """Return a stage as lines of at most 80 columns.

    The note follows the numbers on the same line if it fits, and goes on a second line if not.

    Args:
        stage: The stage.
        now: The current time in seconds of the same clock.
    """
    line, note = f"{printable(stage.name)}: {stage.numbers(now)}", printable(stage.note)
    if not note:
        return [line]
    joined = f"{line}; {note}"
    return [joined] if len(joined) <= WIDTH else [line, _cut(note)]


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."
