"""The contenders of `quality_per_minute.py`: how each starts a training, makes an update, and embeds clips."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import cpc_audio
import numpy as np
import torch
from torch import nn

from torchcpc.contracts import QUIET, CPCError, Sources, Window, silent
from torchcpc.data.prefetch import prefetch
from torchcpc.data.splits import hold_out
from torchcpc.representations.embed import embedded_sources
from torchcpc.runs.build import schema
from torchcpc.runs.devices import Devices
from torchcpc.runs.objective import objective_of
from torchcpc.runs.prepare import prepare
from torchcpc.runs.pretrain import begin
from torchcpc.runs.same_data import note_data
from torchcpc.settings import Settings, load_recipe, override, resolve
from torchcpc.training.loop import Loop
from torchcpc.training.record import Record, ignore
from torchcpc.training.schedule import SCHEDULES, learning_rate

BY_CLOCK = "training.steps=budget"
# More updates than any budget allows.
_ENDLESS = 1 << 40


class Training(Protocol):
    """A training in progress.

    Attributes:
        model: The network.
        optimizer: Its optimiser.
        step: Updates done.
        ended: Whether the run has made all of its updates.
    """

    step: int

    @property
    def model(self) -> nn.Module: ...
    @property
    def optimizer(self) -> torch.optim.Optimizer: ...
    @property
    def ended(self) -> bool: ...
    def update(self, seconds: float) -> None: ...
    def schedule_done(self, seconds: float) -> float: ...
    def embed(self, clips: Sources) -> Iterator[tuple[int, np.ndarray, np.ndarray]]: ...
    def close(self) -> None: ...


class Contender(Protocol):
    """What starts trainings.

    Attributes:
        label: Its name in the tables.
        by_clock: Whether there is one run for each number of minutes.
    """

    @property
    def label(self) -> str: ...
    @property
    def by_clock(self) -> bool: ...
    def identity(self) -> Mapping[str, Any]: ...
    def start(self, sources: Sources, seed: int, seconds: float) -> Training: ...


@dataclass(frozen=True, slots=True)
class OurRecipe:
    """A recipe of torchcpc with overrides.

    Attributes:
        label: Its name in the tables.
        settings: The resolved settings.
        by_clock: Whether the schedule follows the clock, with one run for each number of minutes.
    """

    label: str
    settings: Settings = field(repr=False)
    by_clock: bool

    @classmethod
    def parse(cls, text: str) -> OurRecipe:
        """Return the contender that a text such as "name: recipe section.key=value" means. The name may be left out."""
        label, colon, rest = text.partition(": ")
        recipe, *changes = shlex.split(rest if colon else text) or [""]
        own = [change for change in changes if change != BY_CLOCK]
        return cls(label if colon else text, resolve(override(load_recipe(recipe), own), schema()), own != changes)

    def identity(self) -> Mapping[str, Any]:
        """Return all that its numbers depend on."""
        return {**self.settings, "by_clock": self.by_clock}

    def start(self, sources: Sources, seed: int, seconds: float) -> OurTraining:
        """Start a training that may take so many seconds."""
        return OurTraining(self.settings, sources, seed, seconds if self.by_clock else None)


class OurTraining:
    """A training of torchcpc as `cpc train` makes it, but without validations and checkpoints.

    Args:
        settings: Resolved settings.
        sources: All recordings. The split of the settings chooses among them.
        seed: Seed of the run.
        budget: Seconds after which a schedule by the clock ends. None for the schedule of the settings.
    """

    def __init__(self, settings: Settings, sources: Sources, seed: int, budget: float | None) -> None:
        self._training, self._seed, self._budget = settings["training"], seed, budget
        self._open = ExitStack()
        folder = Path(self._open.enter_context(TemporaryDirectory()))
        cpu = Devices(accelerator="cpu", devices=1, precision="32-true")
        begun = begin(settings, sources, recipe="", seed=seed, devices=cpu, listener=QUIET)
        ready = prepare(begun.record, note_data, folder, begun.fabric, begun.sources, QUIET, silent)
        self._loss, _ = objective_of(ready, begun.fabric)
        self._draw, self.model = ready.order.draw, ready.model
        peak, decay = self._training["learning_rate"], self._training["weight_decay"]
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=peak, weight_decay=decay, fused=True)
        never = {name: _ENDLESS for name in ("log", "validate", "save", "steps")}
        self._loop = Loop(self.model, self.optimizer, begun.fabric, Record(None, ignore), never, None, "")
        self._batches: Iterator[Window] | None = None

    @property
    def step(self) -> int:
        """Updates done."""
        return self._loop.state.step

    @step.setter
    def step(self, done: int) -> None:
        self._loop.state = replace(self._loop.state, step=done)

    @property
    def _steps(self) -> int:
        return _ENDLESS if self._budget else self._training["steps"]

    @property
    def ended(self) -> bool:
        """Whether the run has made all of its updates."""
        return self.step >= self._steps

    def update(self, seconds: float) -> None:
        """Update the weights once.

        Args:
            seconds: Seconds of training before this update.
        """
        if self._batches is None:
            self._batches = self._open.enter_context(prefetch(self._draw, self.step, self._steps))
        self._loop.update(
            self._loss, next(self._batches), seed=self._seed, rate=self.rate(seconds), clip=self._training["clip"]
        )

    def rate(self, seconds: float) -> float:
        """Return the learning rate of the next update."""
        own = self._training
        if self._budget is None:
            facts = {name: own[name] for name in ("steps", "warmup", "schedule")}
            return learning_rate(self.step, peak=own["learning_rate"], **facts)
        rising = min(1.0, (self.step + 1) / own["warmup"]) if own["warmup"] else 1.0
        return own["learning_rate"] * rising * SCHEDULES[own["schedule"]](self.schedule_done(seconds))

    def schedule_done(self, seconds: float) -> float:
        """Return how much of the learning-rate schedule is done, from 0 to 1. A constant rate has none to finish."""
        if self._training["schedule"] == "constant":
            return 1.0
        return min(1.0, seconds / self._budget if self._budget else self.step / self._training["steps"])

    def embed(self, clips: Sources) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yield the number of each clip with its z_TD and c_TC."""
        self.model.eval()
        yield from embedded_sources(self.model, clips)
        self.model.train()

    def close(self) -> None:
        """End the thread that reads windows, and remove the temporary folder."""
        self._open.close()


@dataclass(frozen=True, slots=True)
class CPCAudio:
    """The published settings of CPC_audio.

    Attributes:
        label: Its name in the tables.
        settings: The settings.
        split: The split of our recipes, which also chooses its recordings.
    """

    label: str
    settings: cpc_audio.Published
    split: Mapping[str, Any]
    by_clock: bool = False

    def identity(self) -> Mapping[str, Any]:
        """Return all that its numbers depend on."""
        return {**asdict(self.settings), "split": self.split}

    def start(self, sources: Sources, seed: int, seconds: float) -> cpc_audio.Training:
        """Start a training on the recordings that our recipes train on with this seed."""
        return cpc_audio.Training(sources.select(hold_out(sources, seed, **self.split).train), seed, self.settings)


def check_alike(ours: list[OurRecipe]) -> None:
    """Check that all recipes read the same data.

    Raises:
        CPCError: If they do not.
    """
    first = ours[0]
    for own in ours:
        for part in ("data", "split"):
            if own.settings[part] != first.settings[part]:
                raise CPCError(
                    f"{own.label}: its [{part}] differs from that of {first.label}. Give all contenders the same data."
                )
