"""The plan of a training: its data, its model, its memory, and the time to its end."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter

import torch

from torchcpc.contracts import Skipped, Sources, counted, note_lines, skip_lines
from torchcpc.data.files.limits import amount
from torchcpc.domains import DOMAINS, Unit
from torchcpc.runs.prepare import Prepared
from torchcpc.training.health import Metrics

# The first updates are not timed: their batches were read in advance, and memory is not allocated yet.
_WARM_UP = 5
# The pace is known after this many seconds or updates, and at the latest this many seconds after the start.
_SECONDS, _UPDATES, _LATEST_S = 4.0, 50, 20.0
# Bytes of a parameter: the weight, its gradient and two moments of Adam, in float32.
_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The time and the memory of a few updates.

    Attributes:
        update_s: Seconds of one update.
        validation_s: Seconds of one validation.
        peak_bytes: Peak memory so far.
        device: The device whose memory was measured.
    """

    update_s: float
    validation_s: float
    peak_bytes: int
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """What a training uses, and how much memory and time it takes.

    Attributes:
        source: Word for a source of this domain, such as "recording".
        found: All sources, as (their number, their amount in words).
        groups: Number of groups, such as speakers.
        trained: Sources to train on, as in `found`.
        validated: Sources held out for validation, as in `found`.
        unseen: Sources that `exclude` leaves out, as in `found`.
        exclude: The rules that leave sources out.
        skipped: Files that were skipped, with the reasons.
        notes: Doubts about the data.
        parameters: Number of parameters of the model.
        precision: Numerical precision.
        begun: Updates done before.
        steps: Updates of the whole training.
        validate_every: Updates between two validations.
        pace: Measured time and memory, None until they are known.
    """

    source: str
    found: tuple[int, str]
    groups: int
    trained: tuple[int, str]
    validated: tuple[int, str]
    unseen: tuple[int, str]
    exclude: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[Skipped, ...]
    parameters: int
    precision: str
    begun: int
    steps: int
    validate_every: int
    pace: Pace | None = None

    @property
    def validations(self) -> int:
        """Number of validations to come, with the one at update 0."""
        last = -(-self.steps // self.validate_every)
        return last - self.begun // self.validate_every + (self.begun == 0)

    @property
    def seconds(self) -> float:
        """Seconds to the end of the training, NaN until the pace is known."""
        if self.pace is None:
            return float("nan")
        return (self.steps - self.begun) * self.pace.update_s + self.validations * self.pace.validation_s

    def lines(self) -> list[str]:
        """Return the lines that are known before the first update: data and model."""
        groups = f", {counted(self.groups, 'group')}" if 1 < self.groups < self.found[0] else ""
        rules = ", ".join(self.exclude)
        parts = [
            ("data", self.found, groups),
            ("trained on", self.trained, ""),
            ("held out for validation", self.validated, ""),
        ]
        parts += [(f"excluded by {rules}", self.unseen, "")] if self.unseen[0] else []
        memory = f"{amount(_BYTES * self.parameters)} with gradients and Adam's moments"
        model = f"model: {counted(self.parameters, 'parameter')}, {memory}; precision {self.precision}"
        return [*(f"{name}: {self._amount(part)}{more}" for name, part, more in parts), model]

    def pace_lines(self) -> list[str]:
        """Return the lines that are known after a few updates: memory and time."""
        if self.pace is None:
            return []
        rest = f"{counted(self.steps - self.begun, 'update')} of {span(self.pace.update_s)}"
        checks = f"{counted(self.validations, 'validation')} of {span(self.pace.validation_s)}"
        return [
            f"memory: peak of {amount(self.pace.peak_bytes)} in a few updates and a validation ({self.pace.device})",
            f"time: about {span(self.seconds)} to the end: {rest}, {checks}",
        ]

    def text(self) -> str:
        """Return all lines, for a terminal."""
        read = [*skip_lines(self.skipped, self.found[0]), *note_lines(self.notes)]
        return "\n".join([*read, *self.lines(), *self.pace_lines()])

    def __str__(self) -> str:
        return self.text()

    def _amount(self, part: tuple[int, str]) -> str:
        many, size = part
        return counted(many, self.source) + (f", {size}" if size else "")


def plan_of(prepared: Prepared, *, begun: int = 0) -> TrainingPlan:
    """Return the plan of a prepared training, without its pace.

    Args:
        prepared: The prepared training.
        begun: Updates done before.
    """
    settings, sources, parts = prepared.record.settings, prepared.sources, prepared.parts
    domain = DOMAINS[settings["data"]["name"]]
    unit = domain.unit(settings, sources)

    def part(indices: Sequence[int]) -> tuple[int, str]:
        return len(indices), _size(sources, indices, unit, domain.source)

    return TrainingPlan(
        source=domain.source,
        found=part(range(len(sources))),
        groups=len({sources.group(index) for index in range(len(sources))}),
        trained=part(prepared.trained),
        validated=part(parts.validation),
        unseen=part(parts.unseen),
        exclude=tuple(settings["split"]["exclude"]),
        skipped=(*sources.skipped, *prepared.short),
        notes=(*sources.notes, *prepared.doubts),
        parameters=sum(parameter.numel() for parameter in prepared.model.parameters()),
        precision=prepared.record.precision,
        begun=begun,
        steps=settings["training"]["steps"],
        validate_every=settings["training"]["validate_every"],
    )


def _size(sources: Sources, indices: Sequence[int], unit: Unit, source: str) -> str:
    """Return the amount of these sources in the unit of the domain, or "" if the unit is the source itself."""
    value = sum(sources.length(index) for index in indices) / unit.positions
    if unit.words.startswith("seconds"):
        return span(value) + unit.words.removeprefix("seconds")
    return "" if unit.words.startswith(source) else f"{value:,.0f} {unit.words}"


def span(seconds: float) -> str:
    """Return a duration in words: 0.021 s, 45 s, 12 min, 2 h 5 min."""
    if seconds < 99.5:
        return f"{seconds:.{2 if seconds < 9.95 else 0}g} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60:,} h {minutes % 60} min"


class Clock:
    """Times a training: a listener to its events that reports the pace once, as soon as it is known.

    Args:
        device: Device of the training.
        tell: Receives the pace.
        validation_s: Seconds of a validation that was timed before. None if the training begins with a validation.
    """

    def __init__(self, device: torch.device, tell: Callable[[Pace], None], validation_s: float | None = None) -> None:
        self.device, self.tell, self.validation_s = device, tell, validation_s
        self.start = self.mark = perf_counter()
        self.updates, self.spent, self.heard, self.reported, self.apart = 0, 0.0, 0, False, False

    def __call__(self, event: str, step: int, metrics: Metrics) -> None:
        if self.reported or event not in ("step", "valid", "best"):
            return
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        now = perf_counter()
        if event != "step":
            if self.validation_s is None or (event == "best" and step == 0):
                self.validation_s = now - self.start if step == 0 else now - self.mark
            self.mark, self.apart = now, True
            return
        self.heard += 1
        if not self.apart and self.heard > 1 and (self.heard > _WARM_UP or now - self.start > _SECONDS):
            self.updates, self.spent = self.updates + 1, self.spent + now - self.mark
        self.mark, self.apart = now, False
        late = now - self.start > _LATEST_S
        if self.updates and (late or self.updates >= _UPDATES or (self.updates > 2 and self.spent > _SECONDS)):
            self.reported = True
            self.tell(self.pace())

    def pace(self) -> Pace:
        """Return the pace so far."""
        update_s = self.spent / self.updates if self.updates else (perf_counter() - self.start) / max(self.heard, 1)
        return Pace(
            update_s=update_s,
            validation_s=self.validation_s or 0.0,
            peak_bytes=peak_bytes(self.device),
            device=str(self.device),
        )


def peak_bytes(device: torch.device) -> int:
    """Return the peak memory so far: that of tensors on a GPU, else that of this process with its libraries and data."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    # VmHWM comes first, because ru_maxrss can include the peak of the process that started this one.
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return 1024 * int(found[1])
    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
