"""What work tells: how far it is, what was skipped or guessed, and the numbers that it measured."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol


class Progress(Protocol):
    """Called as work proceeds; total 0 or None: not known."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...


class Listener(Protocol):
    """What hears of long work: a terminal, a log, nobody. stage: one of the work, such as "scanning", and how far it is; note: one line
    that the user should know of, such as what was skipped or guessed."""

    def stage(self, name: str) -> AbstractContextManager[Progress]: ...
    def note(self, text: str) -> None: ...


def silent(done: int, total: int, note: str = "") -> None:
    """No progress shown."""


class Quiet:
    """No bars; notes go to the log `torchcpc`."""

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        yield silent

    def note(self, text: str) -> None:
        logging.getLogger("torchcpc").info(text)


QUIET: Listener = Quiet()
"""Nobody listens: the default of what reports on its work."""


@dataclass(frozen=True, slots=True)
class Result:
    """One measured number: never without its unit, its sample size and, where there is one, its 95 % interval."""

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
