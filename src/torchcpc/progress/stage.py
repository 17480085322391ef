"""One stage of work: how much is done, and how long the rest will take."""

from collections import deque
from dataclasses import dataclass, field

# The speed is measured over this many seconds. That is long enough to smooth it and short enough to follow changes.
_RECENT_S = 300.0
# Up to this many items, the first is timed from the start of the stage. With more, the first report may count items done before.
_FEW = 100


@dataclass(slots=True)
class Stage:
    """A stage of work and its last report.

    All times are seconds of one clock.

    Attributes:
        name: What the work is, for example "scanning".
        began: When the stage began.
        base: Whether the stage is the command as a whole. That is shown only if no other stage is open.
        done: The items that are done.
        total: All items, or 0 if that is not known.
        note: A text about the current item.
    """

    name: str
    began: float
    base: bool = False
    done: int = 0
    total: int = 0
    note: str = ""
    _at: float = 0.0
    _reports: deque[tuple[float, int]] = field(default_factory=deque)

    def report(self, now: float, done: int, total: int | None, note: str = "") -> None:
        """Record a report of the work.

        Args:
            now: The current time.
            done: The items that are done.
            total: All items. None or 0 means that the number is not known.
            note: A text about the current item.
        """
        total = total or 0
        if total != self.total or done < self.done:
            self._reports.clear()  # these are other items, and they may have another speed
        if not self._reports:
            self._reports.append((self.began, 0) if done == 1 and total <= _FEW else (now, done))
        elif now - self._reports[-1][0] >= 1:
            self._reports.append((now, done))
        while len(self._reports) > 2 and now - self._reports[1][0] > _RECENT_S:
            self._reports.popleft()
        self._at, self.done, self.total, self.note = now, done, total, note

    def share(self) -> float:
        """Return the share that is done, or 0 if the total is not known."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    def left_s(self, now: float) -> float | None:
        """Return the seconds that are left at the current speed, or None if they are not known."""
        if not self._reports or self.done >= self.total:
            return None
        begin, before = self._reports[0]
        if self.done <= before or self._at <= begin:
            return None
        each = (self._at - begin) / (self.done - before)
        # If the current item takes longer than the others, it is assumed to be nearly done.
        return each * (self.total - self.done) - min(now - self._at, each)

    def numbers(self, now: float) -> str:
        """Return the part of a line that is never cut: done and total, the share, and the time left.

        The time so far replaces the time left if that is not known.
        """
        parts = []
        if self.total:
            parts += [f"{self.done:,}/{self.total:,}", f"{100 * self.done // self.total} %"]
        elif self.done:
            parts.append(f"{self.done:,}")
        left = self.left_s(now)
        return ", ".join([*parts, f"{clock(now - self.began)} so far" if left is None else f"{clock(left)} left"])


def clock(seconds: float) -> str:
    """Return a duration such as "0:01:40" or "2 days 3:00:00"."""
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    word = f"{days} day{'s' * (days != 1)} " if days else ""
    return f"{word}{hours}:{minutes:02}:{rest:02}"
