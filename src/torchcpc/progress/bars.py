"""Progress in a terminal: a bar with its numbers on one line, its note on the next; gone when the work is done."""

import sys
import time
from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions
from rich.live import Live
from rich.text import Text

from torchcpc.contracts import printable
from torchcpc.progress.display import Clock, Display
from torchcpc.progress.stage import Stage

# Seconds after which work is worth a bar.
WORTH_S = 1.0
# Columns of a bar at most, and of one that still says something.
_WIDEST, _NARROWEST = 40, 8


class Bars(Display):
    """One display of a terminal. It draws nothing for work of less than a second."""

    EVERY_S = 0.25

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        super().__init__(clock)
        self.console = console
        self._live: Live | None = None

    def tick(self) -> None:
        if not self._drawn():
            return self._clear()
        if self._live is None:
            # What others print stands above the bars, but results that go to a file stay there.
            shared = sys.stdout.isatty()
            options = {"transient": True, "auto_refresh": False, "redirect_stdout": shared}
            self._live = Live(console=self.console, get_renderable=lambda: self, **options)
            self._live.start()
        self._live.refresh()

    def closed(self, stage: Stage) -> None:
        if not self._drawn():
            self._clear()

    def write(self, text: str) -> None:
        with self.lock:
            self.console.print(printable(text))

    def clear(self) -> None:
        """Takes the bars away until the next tick."""
        with self.lock:
            self._clear()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        now = self.clock()
        for stage in self._drawn():
            yield from _rows(stage, now, options.max_width)

    def _drawn(self) -> list[Stage]:
        """The stages that have lasted a while."""
        now = self.clock()
        return [stage for stage in self.shown() if now - stage.began >= WORTH_S]

    def _clear(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def _rows(stage: Stage, now: float, width: int) -> Iterator[Text]:
    """The lines of a stage, none wider than `width`. Where there is no room the note is cut first, then the bar and the name."""
    numbers, name = stage.numbers(now), printable(stage.name)
    room = max(width - cell_len(numbers) - 1, 0)
    name = _cut(name, room)
    bar = min(room - cell_len(name) - 1, _WIDEST)
    line = Text(name, no_wrap=True)
    if bar >= _NARROWEST and stage.total:
        full = int(bar * stage.share())
        line.append(" ").append("━" * full, "green").append("━" * (bar - full), "dim")
    yield line.append(f" {numbers}" if name else numbers)
    if stage.note:
        yield Text(_cut(f"  {printable(stage.note)}", width), no_wrap=True)


def _cut(text: str, width: int) -> str:
    """At most so many columns, with the sign of an omission."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 0 else ""
