"""metrics.jsonl as arrays: what training wrote down, one JSON object a line."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from torchcpc.contracts import CPCError

PER_HORIZON = ("loss_per_k", "bound_per_k", "ceiling_per_k", "accuracy_per_k", "chance_per_k")
SINGLE = ("rank_z", "rank_c", "gradient_norm")
EVENTS = ("train", "valid", "warning")


@dataclass(frozen=True, slots=True)
class Curves:
    """The lines of one event, in order of step: L lines, K horizons. Losses, bounds and ceilings in nats, shares in 0..1.

    per_k: name -> [L, K] for the names of PER_HORIZON; single: name -> [L] for those of SINGLE, NaN where a line has none."""

    step: np.ndarray
    horizons: tuple[int, ...]
    per_k: Mapping[str, np.ndarray]
    single: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.step)

    def mean(self, name: str) -> np.ndarray:
        """[L], the mean over the horizons that have a number; NaN where none has."""
        values = self.per_k[name]
        measured = np.isfinite(values)
        with np.errstate(invalid="ignore"):
            return np.where(measured, values, 0.0).sum(axis=1) / measured.sum(axis=1)


class Line(NamedTuple):
    """One logged line: the one at index `at` of the curves of a split ("train" or "valid")."""

    split: str
    curves: Curves
    at: int

    @property
    def step(self) -> int:
        return int(self.curves.step[self.at])

    def values(self, i: int) -> dict[str, float]:
        """Its numbers at horizon index `i`, by the names of PER_HORIZON."""
        return {name: float(self.curves.per_k[name][self.at, i]) for name in PER_HORIZON}

    def mean(self, name: str) -> float:
        """The mean over horizons."""
        return float(self.curves.mean(name)[self.at])


@dataclass(frozen=True, slots=True)
class LoggedMetrics:
    """All of metrics.jsonl. warnings: (step, reason) in order; torn: the last line was cut short and left out."""

    train: Curves | None
    valid: Curves | None
    warnings: tuple[tuple[int, str], ...]
    torn: bool

    @property
    def splits(self) -> dict[str, Curves]:
        """The curves there are, "train" before "valid"."""
        return {name: curves for name, curves in (("train", self.train), ("valid", self.valid)) if curves is not None}

    @property
    def last(self) -> int:
        """The last logged step."""
        return max(int(curves.step[-1]) for curves in self.splits.values())

    @property
    def best(self) -> Line:
        """The validation with the highest mean bound that is a number; without validation the last training line."""
        split, curves = list(self.splits.items())[-1]
        bound = curves.mean("bound_per_k")
        best = int(np.argmax(np.where(np.isfinite(bound), bound, -np.inf)))
        return Line(split, curves, best if split == "valid" else len(curves) - 1)


def read_metrics(path: Path) -> LoggedMetrics:
    """Reads metrics.jsonl. A resumed run repeats the steps since its last checkpoint: the later line of a step counts. A last line that a
    kill cut short is left out. Raises CPCError for any other line that cannot be read, and where there is no train or valid line."""
    try:
        texts = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        raise CPCError(
            f"no metrics.jsonl in {path.parent}: a report needs a RUN folder that cpc train has written to; give that folder's path"
        ) from None
    except OSError as error:
        raise CPCError(f"cannot read {path}: {error.strerror}; check that it is a file you may read") from None
    kept: dict[str, dict[int, tuple[int, dict[str, object]]]] = {kind: {} for kind in EVENTS}
    warnings, torn = set(), False
    for n, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except ValueError as error:
            if torn := n == len(texts):
                break
            raise _damaged(path, n, f" is not JSON ({error}): only a last line may be cut short") from None
        if not isinstance(line, dict) or line.get("event") not in EVENTS or not isinstance(line.get("step"), int):
            rule = f"it must be an object with an integer step and an event among {', '.join(EVENTS)}"
            raise _damaged(path, n, f" is not a metrics line: {rule}")
        kept[line["event"]][line["step"]] = (n, line)
        if line["event"] == "warning":
            warnings.add((line["step"], str(line.get("reason", "no reason given"))))
    train, valid = (_curves(path, kept[kind]) if kept[kind] else None for kind in ("train", "valid"))
    if train is None and valid is None:
        raise CPCError(
            f"{path} holds no train or valid line: the run stopped before its first log; continue it with cpc train --resume {path.parent}"
        )
    return LoggedMetrics(train, valid, tuple(sorted(warnings)), torn)


def _damaged(path: Path, n: int, why: str) -> CPCError:
    return CPCError(f"{path}, line {n}{why}; remove or mend that line")


def _curves(path: Path, lines: Mapping[int, tuple[int, dict[str, object]]]) -> Curves:
    """Lines of one event, by step, as arrays."""
    ordered = [lines[step] for step in sorted(lines)]
    first = ordered[0][1].get("horizons")
    horizons = first if isinstance(first, list) else []
    # null stands for "not measured here"; numpy reads None as NaN, which a figure shows as a gap.
    columns: dict[str, list[np.ndarray]] = {name: [] for name in (*PER_HORIZON, *SINGLE)}
    for n, line in ordered:
        sizes = {name: len(value) for name in PER_HORIZON if isinstance(value := line.get(name), list)}
        wrong = [name for name in PER_HORIZON if sizes.get(name) != len(horizons) or not horizons]
        if wrong or line.get("horizons") != first:
            rule = f"must be a list with one number for each horizon, and the horizons must be {first} throughout"
            raise _damaged(path, n, f": {', '.join(wrong) or 'horizons'} {rule}")
        for name, column in columns.items():
            try:
                column.append(np.array(line.get(name), dtype=float))
            except (TypeError, ValueError) as error:
                raise _damaged(path, n, f": {name} is not made of numbers ({error})") from None
    per_k, single = ({name: np.array(columns[name]) for name in names} for names in (PER_HORIZON, SINGLE))
    return Curves(np.array(sorted(lines)), tuple(horizons), per_k, single)
