"""The time axis of one source: positions as x in a natural unit, and the part of the source that is shown."""

from dataclasses import dataclass

import numpy as np

from torchcpc.contracts import CPCError, Encoder, Sources, Timed, Written, provides
from torchcpc.recording.result import Axis

# Later times are dates that count from 1970. The limit is March 1973 as a date and three years as a duration.
_DATES_S = 1e8
_UNITS = {"second": "seconds", "row": "rows", "sentence": "sentences", "date": "seconds"}


@dataclass(frozen=True, slots=True)
class Clock:
    """A map from raw positions to x.

    Attributes:
        name: The unit of x, as in `Axis`.
        rate: Positions per second.
        stamp_S: The time of every row, [S], or None.
    """

    name: str
    rate: float
    stamp_S: np.ndarray | None = None

    @classmethod
    def of(cls, sources: Sources, *, sound: bool) -> "Clock":
        """Return the clock of the only source in `sources`.

        Args:
            sources: One source.
            sound: Whether the source is a recording of sound.
        """
        if provides(sources, Written):
            return cls("sentence", 1.0)
        rate, stamp_S = sources.rate, sources.times(0) if provides(sources, Timed) else None
        if stamp_S is None:
            return cls("second" if sound else "row", rate if sound else 1.0)
        if rate == 1 and np.array_equal(stamp_S, np.arange(len(stamp_S))):
            return cls("row", 1.0)
        return cls("date" if stamp_S[0] > _DATES_S else "second", rate, stamp_S)

    def x_of(self, position_P: np.ndarray) -> np.ndarray:
        """Return positions as x. A position may lie between two rows.

        Sentences are numbered from 1 and rows from 0. Each is drawn at its middle.
        """
        if self.stamp_S is not None:
            return np.interp(position_P - 0.5, np.arange(len(self.stamp_S)), self.stamp_S)
        return position_P + {"sentence": 0.5, "row": -0.5}[self.name] if self.name != "second" else position_P / self.rate

    def position_of(self, x: float) -> int:
        """Return the first position at or after x, where x counts from the start of the source."""
        if self.stamp_S is not None:
            return int(np.searchsorted(self.stamp_S - self.stamp_S[0], x))
        return max(0, int(x) - 1) if self.name == "sentence" else int(np.ceil(x * self.rate))


@dataclass(frozen=True, slots=True)
class Shown:
    """The part of a source that is shown: the positions from `first` to `last` - 1.

    Attributes:
        clock: The clock of the source.
        first: The first position.
        last: The position after the last one.
        stride: The positions of one step.
        receptive_field: The positions that one step sees.
        note: A sentence about what is left out. It is empty if nothing is.
    """

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
        """Choose the part of a source that is shown.

        Args:
            clock: The clock of the source.
            length: The positions of the source.
            encoder: The encoder that makes the steps.
            start: Where the part begins, in units of the axis from the start of the source. None: at the start.
            end: Where the part ends. None: at the end.
            most: The largest number of positions, or None.

        Raises:
            CPCError: If the part has fewer than two steps.
        """
        first, note = 0 if start is None else clock.position_of(start), ""
        last = length if end is None else min(length, clock.position_of(end + 1 if clock.name == "sentence" else end))
        if last - first < 2 * encoder.stride:
            raise CPCError(
                f"start = {start}, end = {end}: the source has {length / clock.rate:,.6g} {_UNITS[clock.name]}, and fewer than two "
                "steps lie in this part. Choose a longer part."
            )
        if most is not None and last - first > most:
            last = first + most
            begin, stop, whole = (place / clock.rate for place in (first + (clock.name == "sentence"), last, length))
            note = (
                f"This page shows {_UNITS[clock.name]} {begin:,.0f} to {stop:,.0f} of {whole:,.0f}, so that it stays small. "
                "--start and --end choose another part."
            )
        return cls(clock, first, last, encoder.stride, encoder.receptive_field, note)

    @property
    def axis(self) -> Axis:
        """The axis of this part."""
        edge_2 = np.array([self.first, self.last], np.float64)
        return Axis(self.clock.name, *self.clock.x_of(edge_2).tolist())

    @property
    def count(self) -> int:
        """The number of positions that are shown."""
        return self.last - self.first

    def rows(self) -> np.ndarray:
        """Return x of every position that is shown."""
        position_S = np.arange(self.first, self.last, dtype=np.float64)
        return self.clock.x_of(position_S if self.clock.name == "second" and self.clock.stamp_S is None else position_S + 0.5)

    def steps(self, total: int) -> tuple[np.ndarray, np.ndarray]:
        """Choose the steps that are shown.

        Args:
            total: The number of steps of the source.

        Returns:
            The numbers of these steps and their x. The x of a step is the middle of what it sees.
        """
        # The first steps also see padding before the source.
        middle_T = np.maximum((np.arange(total) + 1) * self.stride - self.receptive_field / 2, 0)
        step_T = np.flatnonzero((middle_T >= self.first) & (middle_T < self.last))
        return step_T, self.clock.x_of(middle_T[step_T])

    def within(self, position_P: np.ndarray) -> np.ndarray:
        """Return x of those positions that are shown."""
        return self.clock.x_of(position_P[(position_P >= self.first) & (position_P <= self.last)])

    def stretches(self, marked_S: np.ndarray) -> tuple[tuple[float, float], ...]:
        """Return the runs of marked positions as pairs of x.

        Args:
            marked_S: Whether each position that is shown is marked.
        """
        edge_P = np.flatnonzero(np.diff(np.pad(marked_S.astype(np.int8), 1))) + self.first
        x_P = self.clock.x_of(edge_P.astype(np.float64))
        return tuple(zip(x_P[::2].tolist(), x_P[1::2].tolist(), strict=True))
