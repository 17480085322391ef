"""metrics.jsonl as arrays: what training wrote down, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from torchcpc.contracts import CPCError

PER_HORIZON = ("loss_per_k", "bound_per_k", "ceiling_per_k", "accuracy_per_k", "chance_per_k")
SINGLE = ("rank_z", "rank_c", "gradient_norm", "learning_rate", "throughput")
KINDS = ("train", "valid", "warning")


@dataclass(frozen=True, slots=True)
class Curves:
    """The lines of one event, in order of step: L lines, K horizons. Losses, bounds and ceilings in nats, shares in 0..1.

    per_k: name -> [L, K] for the names of PER_HORIZON; single: name -> [L] for those of SINGLE, NaN where a line has none.
    """

    step: np.ndarray
    horizons: tuple[int, ...]
    per_k: Mapping[str, np.ndarray]
    single: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.step)

    def mean(self, name: str) -> np.ndarray:
        """[L], the mean over those horizons that were measured; NaN where none was.

        A horizon too far for any pair in the data has no number; the page says on how many lines one is missing.
        """
        values = self.per_k[name]
        measured = np.isfinite(values)
        with np.errstate(invalid="ignore"):
            return np.where(measured, values, 0.0).sum(axis=1) / measured.sum(axis=1)


@dataclass(frozen=True, slots=True)
class Metrics:
    """All of metrics.jsonl. warnings: (step, reason) in order; torn: the last line was cut short and left out."""

    train: Curves | None
    valid: Curves | None
    warnings: tuple[tuple[int, str], ...]
    torn: bool

    @property
    def last(self) -> int:
        """The last step that either event tells of."""
        return max(int(curves.step[-1]) for curves in (self.train, self.valid) if curves is not None)


def read(path: Path) -> Metrics:
    """Read metrics.jsonl.

    A run that was resumed repeats the steps since its last checkpoint: the later line of a step counts. A last line without its
    line end was cut short by a kill and is left out. Raises CPCError, with the line's number, for any other line that cannot be
    read, and where there is no train or valid line at all.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise CPCError(
            f"no metrics.jsonl in {path.parent}: a report needs a RUN folder that cpc train has written to; give that "
            "folder's path"
        ) from None
    except OSError as error:
        raise CPCError(f"cannot read {path}: {error.strerror}; check that it is a file you may read") from error
    whole, _, rest = data.rpartition(b"\n")
    lines = [(n, parse(path, n, text)) for n, text in enumerate(whole.split(b"\n"), start=1) if text.strip()]
    torn = False
    if rest.strip():
        try:
            lines.append((data.count(b"\n") + 1, json.loads(rest)))
        except ValueError:
            torn = True
    kept: dict[str, dict[int, tuple[int, dict[str, Any]]]] = {kind: {} for kind in KINDS}
    warnings: dict[tuple[int, str], None] = {}
    for n, line in lines:
        kind, step = header(path, n, line)
        if kind == "warning":
            warnings[step, str(line.get("reason", "no reason given"))] = None
        else:
            kept[kind][step] = (n, line)
    if not kept["train"] and not kept["valid"]:
        raise CPCError(
            f"{path} holds no train or valid line: the run stopped before its first log; "
            f"continue it with cpc train --resume {path.parent}"
        )
    train, valid = (curves(path, kept[kind]) if kept[kind] else None for kind in ("train", "valid"))
    return Metrics(train=train, valid=valid, warnings=tuple(sorted(warnings)), torn=torn)


def parse(path: Path, n: int, text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise CPCError(
            f"{path}, line {n} is not JSON ({error}): only a last line may be cut short; remove or mend that line"
        ) from error


def header(path: Path, n: int, line: Any) -> tuple[str, int]:
    """The event and step of a line."""
    if not isinstance(line, dict) or line.get("event") not in KINDS or not isinstance(line.get("step"), int):
        raise CPCError(
            f"{path}, line {n} is not a metrics line: it must be an object with an integer step and an event among "
            f"{', '.join(KINDS)}; remove or mend that line"
        )
    return line["event"], line["step"]


def curves(path: Path, lines: Mapping[int, tuple[int, dict[str, Any]]]) -> Curves:
    """Lines of one event, by step, as arrays."""
    ordered = [(step, *lines[step]) for step in sorted(lines)]
    horizons = ordered[0][2].get("horizons")
    for _, n, line in ordered:
        sizes = {name: len(line[name]) if isinstance(line.get(name), list) else 0 for name in PER_HORIZON}
        count = len(horizons) if isinstance(horizons, list) else 0
        wrong = [name for name, size in sizes.items() if size != count or not size]
        if wrong or line.get("horizons") != horizons:
            raise CPCError(
                f"{path}, line {n}: {', '.join(wrong) or 'horizons'} must be a list with one number for each horizon, and "
                f"the horizons must be {horizons} throughout; remove or mend that line"
            )
    # null stands for "not measured here"; numpy reads None as NaN, which a figure shows as a gap.
    per_k = {name: np.array([numbers(path, n, name, line[name]) for _, n, line in ordered]) for name in PER_HORIZON}
    single = {name: np.array([numbers(path, n, name, line.get(name)) for _, n, line in ordered]) for name in SINGLE}
    return Curves(step=np.array([step for step, _, _ in ordered]), horizons=tuple(horizons or ()), per_k=per_k, single=single)


def numbers(path: Path, n: int, name: str, value: Any) -> np.ndarray:
    try:
        return np.array(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise CPCError(f"{path}, line {n}: {name} is not made of numbers ({error}); remove or mend that line") from error
