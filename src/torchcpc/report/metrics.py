"""The training log metrics.jsonl as arrays. The file has one JSON object a line."""

import json
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from torchcpc.contracts import CPCError, shown
from torchcpc.report import format

PER_HORIZON = ("loss_per_k", "bound_per_k", "ceiling_per_k", "accuracy_per_k", "chance_per_k")
INTERVAL = ("bound_low_per_k", "bound_high_per_k")
SINGLE = ("rank_z", "rank_c", "gradient_norm")
EVENTS = ("train", "valid", "warning")
# No run has as many updates. A larger number belongs to a damaged file and does not fit an array.
_MOST_STEPS = 10**15
# The largest possible log of a number of candidates.
_LARGEST_LOG = 100.0


@dataclass(frozen=True, slots=True)
class Curves:
    """The lines of one event, in order of step: L lines and K horizons.

    Losses, bounds and ceilings are in nats, shares from 0 to 1.

    Attributes:
        step: The step of each line, [L].
        horizons: The prediction steps k.
        per_k: [L, K] for each name of PER_HORIZON.
        single: [L] for each name of SINGLE. NaN: the line has no such number.
    """

    step: np.ndarray
    horizons: tuple[int, ...]
    per_k: Mapping[str, np.ndarray]
    single: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.step)

    def mean(self, name: str) -> np.ndarray:
        """Return the mean over the horizons that have a number: [L]. It is NaN if none has."""
        values = self.per_k[name]
        measured = np.isfinite(values)
        with np.errstate(invalid="ignore"):
            return np.where(measured, values, 0.0).sum(axis=1) / measured.sum(axis=1)


class Line(NamedTuple):
    """One line of the log.

    Attributes:
        split: "train" or "valid".
        curves: The curves of that split.
        at: The index of the line in the curves.
    """

    split: str
    curves: Curves
    at: int

    @property
    def step(self) -> int:
        """The training step."""
        return int(self.curves.step[self.at])

    def values(self, i: int) -> dict[str, float]:
        """Return its numbers at horizon index `i`, by the names of PER_HORIZON."""
        return {name: float(self.curves.per_k[name][self.at, i]) for name in PER_HORIZON}

    def interval(self, i: int) -> tuple[float, float]:
        """Return the ends of the bound's 95 % interval at horizon index `i`, NaN where the line has none."""
        low, high = (float(self.curves.per_k[name][self.at, i]) for name in INTERVAL)
        return low, high

    def mean(self, name: str) -> float:
        """Return the mean over horizons."""
        return float(self.curves.mean(name)[self.at])

    def candidates(self, i: int) -> str:
        """Return N at horizon index `i` in words."""
        values = self.values(i)
        return candidates(values["ceiling_per_k"], values["chance_per_k"])


def candidates(ceiling: float, chance: float) -> str:
    """Return N in words, from a mean log N and a mean 1/N.

    A constant N is '512', and one that varies is 'about 512'. Only a constant N has exp(mean log N) = 1 / mean(1/N).

    Args:
        ceiling: The mean log N.
        chance: The mean 1/N.
    """
    if not abs(ceiling) < _LARGEST_LOG:
        return "an unknown number of"
    size = math.exp(ceiling)
    exact = abs(size * chance - 1) < 1e-4 and abs(size - round(size)) < 1e-3 * size
    return f"{'' if exact else 'about '}{format.count(round(size))}"


@dataclass(frozen=True, slots=True)
class LoggedMetrics:
    """The content of metrics.jsonl. Training or validation lines may be missing.

    Attributes:
        train: The training lines.
        valid: The validation lines.
        warnings: The step and the reason of each warning, in order.
        torn: Whether the last line was cut short. It is left out.
        damaged: What is wrong with each other line that is left out.
    """

    train: Curves | None
    valid: Curves | None
    warnings: tuple[tuple[int, str], ...]
    torn: bool
    damaged: tuple[str, ...] = ()

    @property
    def splits(self) -> dict[str, Curves]:
        """The curves that exist, "train" before "valid"."""
        return {name: curves for name, curves in (("train", self.train), ("valid", self.valid)) if curves is not None}

    @property
    def last(self) -> int:
        """The last logged step, or 0."""
        return max((int(curves.step[-1]) for curves in self.splits.values()), default=0)

    @property
    def best(self) -> Line | None:
        """The validation line with the highest mean bound. Without validation it is the last training line."""
        if not self.splits:
            return None
        split, curves = list(self.splits.items())[-1]
        bound = curves.mean("bound_per_k")
        best = int(np.argmax(np.where(np.isfinite(bound), bound, -np.inf)))
        return Line(split, curves, best if split == "valid" else len(curves) - 1)


def read_metrics(path: Path) -> LoggedMetrics:
    """Read metrics.jsonl.

    A resumed run repeats the steps since its last checkpoint, and the later line of a step is taken. A last line that
    was cut short is left out. Any other line that cannot be read is left out, too, and `damaged` names it.

    Args:
        path: The file.

    Raises:
        CPCError: If there is no such file.
    """
    texts = _lines(path)
    kept: dict[str, dict[int, _Logged]] = {kind: {} for kind in EVENTS}
    warnings: set[tuple[int, str]] = set()
    damaged: dict[int, str] = {}
    torn = False
    for n, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        try:
            found = _logged(n, text)
        except ValueError as error:
            torn = n == len(texts)
            damaged |= {} if torn else {n: str(error)}
            continue
        kept[found.event][found.step] = found
        if found.event == "warning":
            warnings.add((found.step, found.reason))
    # All lines of a run have the same horizons. If a line is damaged, the most frequent horizons are those of the run.
    counts = Counter(found.horizons for kind in ("train", "valid") for found in kept[kind].values())
    horizons = max(counts, key=lambda each: counts[each], default=())
    curves: dict[str, Curves | None] = {}
    for kind in ("train", "valid"):
        odd = [found for found in kept[kind].values() if found.horizons != horizons]
        damaged |= {found.n: f"the horizons must be {shown(list(horizons))} throughout" for found in odd}
        usable = sorted((found for found in kept[kind].values() if found.horizons == horizons), key=lambda found: found.step)
        curves[kind] = _curves(horizons, usable) if usable else None
    lines = tuple(f"line {n} {damaged[n]}" for n in sorted(damaged))
    return LoggedMetrics(curves["train"], curves["valid"], tuple(sorted(warnings)), torn, lines)


class _Logged(NamedTuple):
    """Line `n` after its check. `values` has [K] numbers or one number for each name."""

    n: int
    event: str
    step: int
    horizons: tuple[int, ...]
    reason: str
    values: Mapping[str, np.ndarray]


def _lines(path: Path) -> list[bytes]:
    if not os.path.exists(path):
        raise CPCError(
            f"no metrics.jsonl in {path.parent}: a report needs a RUN folder that cpc train has written to; give that folder's path"
        )
    try:
        if not os.path.isfile(path):  # reading a pipe could block forever
            raise IsADirectoryError(0, "it is not a file")
        return path.read_bytes().split(b"\n")
    except OSError as error:
        raise CPCError(f"cannot read {path}: {error.strerror}; check that it is a file you may read") from None


def _logged(n: int, text: bytes) -> _Logged:
    """Check one line.

    Raises:
        ValueError: If it is not a line of metrics. The text says why.
    """
    try:
        line = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON ({error})") from None
    step = line.get("step") if isinstance(line, dict) else None
    if not isinstance(line, dict) or line.get("event") not in EVENTS or type(step) is not int or not 0 <= step < _MOST_STEPS:
        rule = f"it must be an object with an integer step and an event among {', '.join(EVENTS)}"
        raise ValueError(f"is not a metrics line: {rule}")
    if line["event"] == "warning":
        return _Logged(n, "warning", step, (), str(line.get("reason", "no reason given")), {})
    horizons = line.get("horizons")
    horizons = (
        tuple(horizons) if isinstance(horizons, list) and all(type(k) is int and 0 < k < _MOST_STEPS for k in horizons) else ()
    )
    # null means that a number was not measured. numpy reads None as NaN, and a figure shows NaN as a gap.
    values: dict[str, np.ndarray] = {}
    for name in (*PER_HORIZON, *INTERVAL, *SINGLE):
        try:
            values[name] = np.array(line.get(name), dtype=float)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{name} is not made of numbers ({error})") from None
    # Training lines have no interval.
    values |= {name: np.full(len(horizons), math.nan) for name in INTERVAL if values[name].shape != (len(horizons),)}
    wrong = [name for name in PER_HORIZON if values[name].shape != (len(horizons),) or not horizons]
    if wrong or any(values[name].ndim for name in SINGLE):
        raise ValueError(f"{', '.join(wrong) or 'one of the others'} must be a list with one number for each horizon")
    return _Logged(n, line["event"], step, horizons, "", values)


def _curves(horizons: tuple[int, ...], lines: Sequence[_Logged]) -> Curves:
    """Return the lines of one event as arrays."""
    per_k, single = (
        {name: np.array([line.values[name] for line in lines]) for name in names}
        for names in ((*PER_HORIZON, *INTERVAL), SINGLE)
    )
    return Curves(np.array([line.step for line in lines]), horizons, per_k, single)
