"""Raw positions of one source as x, in the unit that its reader would use, and the stretch of it that is shown."""

from dataclasses import dataclass

import numpy as np

from torchcpc.contracts import CPCError, Encoder, Sources, Timed, Written, provides
from torchcpc.recording.result import Axis

# Times that are later than this count from 1970: three years of a stopwatch, March 1973 of a calendar.
_DATES_S = 1e8
_UNITS = {"second": "seconds", "row": "rows", "sentence": "sentences", "date": "seconds"}


@dataclass(frozen=True, slots=True)
class Clock:
    """Where positions lie on the axis. name: as in `Axis`; rate: positions per second; stamp_S: the time of every row, or None."""

    name: str
    rate: float
    stamp_S: np.ndarray | None = None

    @classmethod
    def of(cls, sources: Sources, *, sound: bool) -> "Clock":
        """That of the one source in `sources`."""
        if provides(sources, Written):
            return cls("sentence", 1.0)
        rate, stamp_S = sources.rate, sources.times(0) if provides(sources, Timed) else None
        if stamp_S is None:
            return cls("second" if sound else "row", rate if sound else 1.0)
        if rate == 1 and np.array_equal(stamp_S, np.arange(len(stamp_S))):
            return cls("row", 1.0)
        return cls("date" if stamp_S[0] > _DATES_S else "second", rate, stamp_S)

    def x_of(self, position_P: np.ndarray) -> np.ndarray:
        """Positions, also between two, as x: sentences are numbered from 1, rows from 0, and each is drawn at its middle."""
        if self.stamp_S is not None:
            return np.interp(position_P - 0.5, np.arange(len(self.stamp_S)), self.stamp_S)
        return position_P + {"sentence": 0.5, "row": -0.5}[self.name] if self.name != "second" else position_P / self.rate

    def position_of(self, x: float) -> int:
        """The first position at or after x, which counts from the beginning of the source."""
        if self.stamp_S is not None:
            return int(np.searchsorted(self.stamp_S - self.stamp_S[0], x))
        return max(0, int(x) - 1) if self.name == "sentence" else int(np.ceil(x * self.rate))


@dataclass(frozen=True, slots=True)
class Shown:
    """The positions first .. last - 1 of a source. stride, receptive_field: of the steps; note: what was left out, "" for nothing."""

    clock: Clock
    first: int
    last: int
    stride: int
    receptive_field: int
    note: str = ""

    @classmethod
    def of(
        cls, clock: Clock, length: int, encoder: Encoder, start: float | None, end: float | None, most: int | None
    ) -> "Shown":
        """Of a source of `length` positions. start, end: in units of the axis, from the beginning of the source; most: positions at once.
        Raises CPCError for a stretch without two steps."""
        first, note = 0 if start is None else clock.position_of(start), ""
        last = length if end is None else min(length, clock.position_of(end + 1 if clock.name == "sentence" else end))
        if last - first < 2 * encoder.stride:
            raise CPCError(
                f"start = {start}, end = {end}: the source has {length / clock.rate:,.6g} {_UNITS[clock.name]}, and less than two "
                "steps of it lie between. Choose a longer stretch."
            )
        if most is not None and last - first > most:
            last = first + most
            begin, stop, whole = (place / clock.rate for place in (first + (clock.name == "sentence"), last, length))
            note = (
                f"Shown: {_UNITS[clock.name]} {begin:,.0f} to {stop:,.0f} of {whole:,.0f}, so that the page stays small. --start and --end "
                "choose others."
            )
        return cls(clock, first, last, encoder.stride, encoder.receptive_field, note)

    @property
    def axis(self) -> Axis:
        edge_2 = np.array([self.first, self.last], np.float64)
        return Axis(self.clock.name, *self.clock.x_of(edge_2).tolist())

    @property
    def count(self) -> int:
        return self.last - self.first

    def rows(self) -> np.ndarray:
        """x of every position that is shown."""
        position_S = np.arange(self.first, self.last, dtype=np.float64)
        return self.clock.x_of(position_S if self.clock.name == "second" and self.clock.stamp_S is None else position_S + 0.5)

    def steps(self, total: int) -> tuple[np.ndarray, np.ndarray]:
        """Of `total` steps: which are shown, as numbers, and their x, the middle of what each sees."""
        # The first steps see what lies before the source.
        middle_T = np.maximum((np.arange(total) + 1) * self.stride - self.receptive_field / 2, 0)
        step_T = np.flatnonzero((middle_T >= self.first) & (middle_T < self.last))
        return step_T, self.clock.x_of(middle_T[step_T])

    def within(self, position_P: np.ndarray) -> np.ndarray:
        """x of those positions that are shown."""
        return self.clock.x_of(position_P[(position_P >= self.first) & (position_P <= self.last)])

    def stretches(self, marked_S: np.ndarray) -> tuple[tuple[float, float], ...]:
        """The stretches of neighbouring marked positions, as pairs of x. marked_S: of the positions that are shown."""
        edge_P = np.flatnonzero(np.diff(np.pad(marked_S.astype(np.int8), 1))) + self.first
        x_P = self.clock.x_of(edge_P.astype(np.float64))
        return tuple(zip(x_P[::2].tolist(), x_P[1::2].tolist(), strict=True))
