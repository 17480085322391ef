"""Progress bars for a terminal.

The first line of a stage has its bar and numbers, the second its note. Both disappear when the work is done.
"""

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

# A stage gets a bar after this many seconds.
WORTH_S = 1.0
# The largest and the smallest useful width of a bar, in columns.
_WIDEST, _NARROWEST = 40, 8


class Bars(Display):
    """Progress bars in one terminal.

    Work of less than a second shows nothing.

    Args:
        console: The rich console that draws the bars.
        clock: Returns the current time in seconds. Default: time.monotonic.
    """

    EVERY_S = 0.25

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        super().__init__(clock)
        self.console = console
        self._live: Live | None = None

    def tick(self) -> None:
        """Draw the bars of all stages that are old enough."""
        if not self._drawn():
            return self._clear()
        if self._live is None:
            # Other output of the terminal is printed above the bars. Output that goes to a file must not be redirected.
            shared = sys.stdout.isatty()
            options = {"transient": True, "auto_refresh": False, "redirect_stdout": shared}
            self._live = Live(console=self.console, get_renderable=lambda: self, **options)
            self._live.start()
        self._live.refresh()

    def closed(self, stage: Stage) -> None:
        """Remove the bars if no stage is left that has one."""
        if not self._drawn():
            self._clear()

    def write(self, text: str) -> None:
        """Print a line above the bars."""
        with self.lock:
            self.console.print(printable(text))

    def clear(self) -> None:
        """Remove the bars until the next tick."""
        with self.lock:
            self._clear()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        now = self.clock()
        for stage in self._drawn():
            yield from _rows(stage, now, options.max_width)

    def _drawn(self) -> list[Stage]:
        """Return the stages that are old enough for a bar."""
        now = self.clock()
        return [stage for stage in self.shown() if now - stage.began >= WORTH_S]

    def _clear(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def _rows(stage: Stage, now: float, width: int) -> Iterator[Text]:
    """Yield the lines of a stage, none wider than `width`.

    If there is too little room, the note is cut first, then the bar, then the name.
    """
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
    """Return a text of at most `width` columns. An ellipsis marks a cut."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 0 else ""
