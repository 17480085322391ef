"""One stage of work: how much of it is done, and how long the rest will take."""

from collections import deque
from dataclasses import dataclass, field

# Seconds that the speed is taken over: long enough to smooth, short enough to follow work that becomes slower.
_RECENT_S = 300.0
# Of so few items the first is timed from the begin of the stage. Of many the first may stand for all that was known before.
_FEW = 100


@dataclass(slots=True)
class Stage:
    """A stage and its last report. Times are seconds of one clock.

    Args:
        name: What the work is, such as "scanning".
        began: When it began.
        base: Whether it is the command as a whole, which is shown only while no other stage is.
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
        """Takes what the work says of itself. total: 0 or None where it is not known."""
        total = total or 0
        if total != self.total or done < self.done:
            self._reports.clear()  # other items than before, with a speed of their own
        if not self._reports:
            self._reports.append((self.began, 0) if done == 1 and total <= _FEW else (now, done))
        elif now - self._reports[-1][0] >= 1:
            self._reports.append((now, done))
        while len(self._reports) > 2 and now - self._reports[1][0] > _RECENT_S:
            self._reports.popleft()
        self._at, self.done, self.total, self.note = now, done, total, note

    def share(self) -> float:
        """The share that is done, 0 where the total is not known."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    def left_s(self, now: float) -> float | None:
        """Seconds to the end at the speed of the last minutes, None where it is not known."""
        if not self._reports or self.done >= self.total:
            return None
        begin, before = self._reports[0]
        if self.done <= before or self._at <= begin:
            return None
        each = (self._at - begin) / (self.done - before)
        # The item at work is taken to be nearly done where it takes longer than the others.
        return each * (self.total - self.done) - min(now - self._at, each)

    def numbers(self, now: float) -> str:
        """What never is cut: done and total, the share, and the time to the end; the time so far where the end is not known."""
        parts = []
        if self.total:
            parts += [f"{self.done:,}/{self.total:,}", f"{100 * self.done // self.total} %"]
        elif self.done:
            parts.append(f"{self.done:,}")
        left = self.left_s(now)
        return ", ".join([*parts, f"{clock(now - self.began)} so far" if left is None else f"{clock(left)} left"])


def clock(seconds: float) -> str:
    """Hours, minutes and seconds: 0:01:40; from a day on the days too: 2 days 3:00:00."""
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    word = f"{days} day{'s' * (days != 1)} " if days else ""
    return f"{word}{hours}:{minutes:02}:{rest:02}"
