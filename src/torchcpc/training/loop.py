"""The training loop, the only one: CPC, supervised baselines and probes all run through it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import torch
from annotated_types import Gt, Le
from torch import Tensor, nn

from torchcpc.contracts import Count, CPCError, NotNegative, OneOf, Share, Whole
from torchcpc.data.prefetch import prefetch
from torchcpc.signals import Asked, deferred
from torchcpc.training import checkpoint
from torchcpc.training.health import Metrics
from torchcpc.training.one_device import one_device
from torchcpc.training.record import OnEvent, Record, ignore
from torchcpc.training.schedule import SCHEDULES
from torchcpc.training.schedule import learning_rate as rate_at
from torchcpc.training.state import BEST, LATEST, RunState

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Batch = Any
"""What `draw` makes and `loss` takes: a Window, or tensors with their labels."""
Loss = Callable[[Any, Batch, torch.Generator], tuple[Tensor, Metrics]]
Validate = Callable[[Any], Metrics]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How training ended: updates done, and best validation value (None without validation)."""

    step: int
    best: float | None


def fit(
    model: nn.Module,
    loss: Loss,
    draw: Callable[..., Batch],
    validate: Validate | None = None,
    folder: Path | None = None,
    fabric: Fabric | None = None,
    on_event: OnEvent = ignore,
    fingerprint: str = "",
    seed: int = 0,
    *,
    steps: Count,
    learning_rate: Annotated[float, Gt(0), Le(1)] = 2e-4,
    weight_decay: Share = 0.0,
    clip: NotNegative = 0.0,
    warmup: Whole = 0,
    schedule: Annotated[str, OneOf(SCHEDULES)] = "constant",
    log_every: Count = 25,
    validate_every: Count = 250,
    save_every: Count = 250,
    patience: Whole = 0,
) -> Outcome:
    """Trains `model` in place with Adam for `steps` updates, from `folder`/latest.safetensors on where there is one.

    loss(model, batch, generator) -> (scalar, metrics); draw(step, rank) -> batch, a pure function; validate(model) -> metrics with `bound`,
    higher is better. The generator follows from (seed, step, rank), so a resumed run takes the same steps. Of several processes each has
    its own batch and candidates; gradients are averaged. With a folder: metrics.jsonl, latest.safetensors, a validation of the untrained
    model (update 0), and best.safetensors at each new best validation, that one first. on_event (`record.OnEvent`) hears the first process.
    Signals act between two updates, after a checkpoint.

    Args:
        steps: Updates of the weights.
        learning_rate: Adam's step size at its peak.
        weight_decay: L2 penalty on the weights.
        clip: Largest norm of the gradient, 0 for no limit.
        warmup: Updates over which the learning rate rises to its peak.
        schedule: How the learning rate falls after the warm-up.
        log_every: Updates between two lines of metrics.
        validate_every: Updates between two validations.
        save_every: Updates between two checkpoints.
        patience: Validations without a new best after which training stops, 0 for never.

    Raises:
        CPCError: When the loss is not finite. The last checkpoint is left as it was.
    """
    every = {"log": log_every, "validate": validate_every, "save": save_every, "steps": steps}
    if wrong := [name for name, updates in every.items() if updates < 1]:
        name = wrong[0] if wrong[0] == "steps" else f"{wrong[0]}_every"
        raise CPCError(f"training.{name} = {every[wrong[0]]}: a number of updates, at least 1.")
    fabric = fabric or one_device()
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)
    record = Record(folder, on_event) if fabric.is_global_zero else Record(None, ignore)
    rate = partial(rate_at, peak=learning_rate, steps=steps, warmup=warmup, schedule=schedule)
    loop = Loop(model, optimizer, fabric, record, every, folder, fingerprint)
    if loop.agree(0 < patience <= record.stale):  # a run that has stopped of itself is not a step longer for being resumed
        return Outcome(loop.state.step, loop.state.best)
    place = partial(draw, rank=fabric.global_rank)
    with torch.random.fork_rng(), deferred() as asked, prefetch(place, loop.state.step, steps) as batches:
        if loop.fresh:
            loop.validate(validate)
        for batch in batches:
            loop.update(loss, batch, seed=seed, rate=rate(loop.state.step), clip=clip)
            stopping = loop.stopping(asked)
            enough = loop.validate(validate) and loop.agree(0 < patience <= record.stale)
            if enough or loop.state.step == steps:
                record.ended(loop.state.step)
            loop.save(at_once=stopping or enough)
            if stopping or enough:
                break
    return Outcome(loop.state.step, loop.state.best)


class Loop:
    """A training in progress: where it stands, and what follows an update. every: after how many updates there is a line of metrics, a
    validation and a checkpoint ("log", "validate", "save"); the last update, number "steps", has all three."""

    def __init__(
        self,
        plain: nn.Module,
        optimizer: torch.optim.Optimizer,
        fabric: Fabric,
        record: Record,
        every: Mapping[str, int],
        folder: Path | None,
        fingerprint: str,
    ) -> None:
        self.plain, self.fabric, self.record, self.every = plain, fabric, record, every
        self.model, self.optimizer = fabric.setup(plain, optimizer)
        self.latest = folder / LATEST if folder else None
        self.state = RunState(step=0, best=None, fingerprint=fingerprint)
        self.fresh = self.latest is not None and not self.latest.exists()
        if self.latest and not self.fresh:
            self.state = checkpoint.load(self.latest, plain, self.optimizer, fingerprint=fingerprint)
        record.rewind(-1 if self.fresh else self.state.step)
        # Looking at a loss makes an accelerator wait for it; on a CPU it is free.
        self.look_every = 1 if fabric.device.type == "cpu" else every["log"]
        self.since = self.state.step, time.perf_counter()
        self.value, self.norm = torch.zeros(()), torch.zeros(())

    def update(self, loss: Loss, batch: Batch, *, seed: int, rate: float, clip: float) -> None:
        """One update of the weights, and its metrics."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with self.fabric.autocast():
            generator = step_generator(seed, self.state.step, self.fabric.global_rank)
            self.value, metrics = loss(self.model, self.fabric.to_device(batch), generator)
        self.fabric.backward(self.value)
        self.norm = nn.utils.clip_grad_norm_(self.plain.parameters(), clip or math.inf)
        self.state = replace(self.state, step=(step := self.state.step + 1))
        if step % self.look_every == 0:
            self.record.require_finite(step, self.value, self.norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.record.event("step", step, {})
        if self.due("log"):
            own = {"loss": self.value.detach(), "learning_rate": rate, "gradient_norm": self.norm}
            speed = (step - self.since[0]) / (time.perf_counter() - self.since[1])
            self.record.event("train", step, {**metrics, **own, "steps_per_second": speed})
            self.since = step, time.perf_counter()

    def due(self, what: str) -> bool:
        return self.state.step % self.every[what] == 0 or self.state.step == self.every["steps"]

    def stopping(self, asked: Asked) -> bool:
        """Whether any process was told to stop: each gets its own signal, if any, and the others would wait for one that left."""
        if self.state.step % self.look_every and self.fabric.world_size > 1:
            return False
        asked.number = self.most(asked.number)
        return asked.number > 0

    def validate(self, validate: Validate | None) -> bool:
        """Validates where that is due, keeps the weights if they are the best so far, and says whether it was."""
        step = self.state.step
        if validate is None or not self.due("validate"):
            return False
        measured = validate(self.plain)
        self.record.validated(step, measured)
        if self.state.best is None or math.isnan(self.state.best) or measured["bound"] > self.state.best:
            self.state = replace(self.state, best=measured["bound"])
            if self.record.folder:
                checkpoint.save(self.record.folder / BEST, self.plain, self.state)
                self.record.event("best", step, {})
        self.since = step, time.perf_counter()  # validating is not training
        return True

    def save(self, *, at_once: bool) -> None:
        """A checkpoint where one is due, or `at_once`."""
        if self.latest and self.fabric.is_global_zero and (at_once or self.due("save")):
            self.record.require_finite(self.state.step, self.value, self.norm)
            checkpoint.save(self.latest, self.plain, self.state, self.optimizer)

    def agree(self, asked: bool) -> bool:
        """Whether any of the processes asks; the same answer in each, which must all call it."""
        return self.most(int(asked)) > 0

    def most(self, number: int) -> int:
        """The largest number of all processes, which must all call it."""
        if self.fabric.world_size == 1:
            return number
        largest = self.fabric.all_reduce(torch.tensor(float(number), device=self.fabric.device), reduce_op="max")
        return int(largest)  # pyright: ignore[reportArgumentType]


def step_generator(seed: int, step: int, rank: int) -> torch.Generator:
    """Randomness of one update as a function of where it stands in the run; torch's global generators, for dropout, follow it."""
    number = int(np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)[0] >> 1)
    # Not torch.manual_seed: with a device absent it formats the whole call stack, milliseconds on every update.
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(number)
    return torch.Generator().manual_seed(number)
