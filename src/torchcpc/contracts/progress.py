"""Progress, notes and measured numbers, as work reports them."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol


class Progress(Protocol):
    """A callback for the progress of work. A total of 0 or None means that the total is not known."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...


class Listener(Protocol):
    """Receives notes and progress of long work. A terminal, a log or a test can be a listener."""

    def stage(self, name: str) -> AbstractContextManager[Progress]:
        """Announce a stage of work, such as "scanning".

        Args:
            name: The name of the stage.

        Returns:
            A context manager that gives a callback for progress.
        """
        ...

    def note(self, text: str) -> None:
        """Report one line that the user should know, such as a skipped file or a guess.

        Args:
            text: The line.
        """
        ...


def silent(done: int, total: int, note: str = "") -> None:
    """Show no progress."""


class Quiet:
    """A listener without bars. Notes go to the Python logger `torchcpc`."""

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        """Ignore the stage."""
        yield silent

    def note(self, text: str) -> None:
        """Write a note to the logger."""
        logging.getLogger("torchcpc").info(text)


QUIET: Listener = Quiet()
"""The default listener."""


@dataclass(frozen=True, slots=True)
class Result:
    """One measured number with its unit, its sample size and its 95 % interval.

    Attributes:
        name: The name of the quantity.
        value: The number.
        unit: The unit, such as "nats".
        n: The sample size. 0 for an exact number.
        low: The lower end of the 95 % interval. None if there is none.
        high: The upper end of the 95 % interval. None if there is none.
        detail: More values by name.
    """

    name: str
    value: float
    unit: str
    n: int
    low: float | None = None
    high: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estimand:
    """The quantity that calibrated numbers estimate, and how log Z was estimated.

    Attributes:
        name: "I(x; c)" or "I(x; c | group)".
        marginal: The marginal distribution that the samples were drawn from, "all" or "same_group".
        samples: The number of marginal samples.
        sources: The number of sources that the samples come from.
        correction: The correction of the logarithm of the mean.
    """

    name: str
    marginal: str
    samples: int
    sources: int
    correction: str
