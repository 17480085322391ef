"""What a training will take, told before and at its start: data, model, memory, and the time to the end."""

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

# The first updates find their batches read already, and the memory not yet laid out.
_WARM_UP = 5
# When the time of an update is known: after so many seconds or updates of it, and at the latest so many seconds after the start.
_SECONDS, _UPDATES, _LATEST_S = 4.0, 50, 20.0
# Of a parameter: weight, gradient and two moments of Adam, in float32.
_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a few updates took. update_s, validation_s: seconds of one; peak_bytes: of memory so far; device: whose memory."""

    update_s: float
    validation_s: float
    peak_bytes: int
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """What is trained on, and what that takes. found, trained, validated, unseen: (sources, their amount in words); exclude: the rules
    that leave sources unseen; begun: updates done before; pace: None until it was measured."""

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
        """Those to come, the one at update 0 among them."""
        last = -(-self.steps // self.validate_every)
        return last - self.begun // self.validate_every + (self.begun == 0)

    @property
    def seconds(self) -> float:
        """To the end; NaN until the pace is known."""
        if self.pace is None:
            return float("nan")
        return (self.steps - self.begun) * self.pace.update_s + self.validations * self.pace.validation_s

    def lines(self) -> list[str]:
        """What is known before the first update."""
        groups = f", {counted(self.groups, 'group')}" if 1 < self.groups < self.found[0] else ""
        rules = ", ".join(self.exclude)
        parts = [
            ("data", self.found, groups),
            ("trained on", self.trained, ""),
            ("held out for validation", self.validated, ""),
        ]
        parts += [(f"left out by {rules}", self.unseen, "")] if self.unseen[0] else []
        memory = f"{amount(_BYTES * self.parameters)} with gradients and Adam's moments"
        model = f"model: {counted(self.parameters, 'parameter')}, {memory}; precision {self.precision}"
        return [*(f"{name}: {self._amount(part)}{more}" for name, part, more in parts), model]

    def pace_lines(self) -> list[str]:
        """What is known after a few updates."""
        if self.pace is None:
            return []
        rest = f"{counted(self.steps - self.begun, 'update')} of {span(self.pace.update_s)}"
        checks = f"{counted(self.validations, 'validation')} of {span(self.pace.validation_s)}"
        return [
            f"memory: {amount(self.pace.peak_bytes)} at the peak of a few updates and a validation ({self.pace.device})",
            f"time: about {span(self.seconds)} to the end: {rest}, {checks}",
        ]

    def text(self) -> str:
        """All of it, for a terminal."""
        read = [*skip_lines(self.skipped, self.found[0]), *note_lines(self.notes)]
        return "\n".join([*read, *self.lines(), *self.pace_lines()])

    def __str__(self) -> str:
        return self.text()

    def _amount(self, part: tuple[int, str]) -> str:
        many, size = part
        return counted(many, self.source) + (f", {size}" if size else "")


def plan_of(prepared: Prepared, *, begun: int = 0) -> TrainingPlan:
    """What is known before the first update of a prepared training."""
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
    """How much these sources hold, in the unit of the domain; nothing where that is their number."""
    value = sum(sources.length(index) for index in indices) / unit.positions
    if unit.words.startswith("seconds"):
        return span(value) + unit.words.removeprefix("seconds")
    return "" if unit.words.startswith(source) else f"{value:,.0f} {unit.words}"


def span(seconds: float) -> str:
    """A duration in words: 0.021 s, 45 s, 12 min, 2 h 5 min."""
    if seconds < 99.5:
        return f"{seconds:.{2 if seconds < 9.95 else 0}g} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60:,} h {minutes % 60} min"


class Clock:
    """Hears the events of a training (`record.OnEvent`), and tells its pace once, when that is known. validation_s: of one that was
    measured before; None where the training begins with one."""

    def __init__(self, device: torch.device, tell: Callable[[Pace], None], validation_s: float | None = None) -> None:
        self.device, self.tell, self.validation_s = device, tell, validation_s
        self.start = self.mark = perf_counter()
        self.updates, self.spent, self.heard, self.told, self.apart = 0, 0.0, 0, False, False

    def __call__(self, event: str, step: int, metrics: Metrics) -> None:
        if self.told or event not in ("step", "valid", "best"):
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
            self.told = True
            self.tell(self.pace())

    def pace(self) -> Pace:
        """What is known so far."""
        update_s = self.spent / self.updates if self.updates else (perf_counter() - self.start) / max(self.heard, 1)
        return Pace(
            update_s=update_s,
            validation_s=self.validation_s or 0.0,
            peak_bytes=peak_bytes(self.device),
            device=str(self.device),
        )


def peak_bytes(device: torch.device) -> int:
    """The most memory that was in use so far: of a GPU by tensors, else by this process with all its libraries and data."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    # What the system counts for children includes the peak of the process that started this one.
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return 1024 * int(found[1])
    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
