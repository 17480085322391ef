"""The training loop. CPC, the supervised baselines and the probes all use it."""

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
"""What `draw` returns and `loss` takes: a Window, or tensors with their labels."""
Loss = Callable[[Any, Batch, torch.Generator], tuple[Tensor, Metrics]]
Validate = Callable[[Any], Metrics]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended.

    Attributes:
        step: Updates done.
        best: Best validation value, None without a validation.
    """

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
    """Train `model` in place with Adam. Training continues from `folder`/latest.safetensors if that exists.

    The randomness of an update follows from (seed, step, rank), so a resumed run takes the same steps as one that never stopped.
    If there are several processes, each has its own batch and candidates, and their gradients are averaged. A signal stops the
    training between two updates, after a checkpoint.

    With a folder, training first validates the untrained model, as update 0. It writes metrics.jsonl, latest.safetensors at each
    checkpoint, and best.safetensors at each new best validation.

    Args:
        model: The module to train.
        loss: Function (model, batch, generator) -> (scalar loss, metrics).
        draw: Pure function (step, rank) -> batch.
        validate: Function (model) -> metrics. Their `bound` is better if it is higher.
        folder: Run folder, None to write nothing.
        fabric: Devices and precision, by default one CPU.
        on_event: Hears the events of the first process, see `record.OnEvent`.
        fingerprint: Identifies the settings that a checkpoint must belong to.
        seed: Seed of every update.
        steps: Number of updates of the weights.
        learning_rate: Peak learning rate of Adam.
        weight_decay: L2 penalty on the weights.
        clip: Largest norm of the gradient, 0 for no limit.
        warmup: Number of updates in which the learning rate rises to its peak.
        schedule: How the learning rate falls after the warm-up.
        log_every: Number of updates between two lines of metrics.
        validate_every: Number of updates between two validations.
        save_every: Number of updates between two checkpoints.
        patience: Training stops after this many validations without a new best, 0 for never.

    Returns:
        How the training ended.

    Raises:
        CPCError: If the loss is not finite. The last checkpoint is kept.
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
    if loop.agree(0 < patience <= record.stale):  # a run that ran out of patience does not go on when it is resumed
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
    """A training in progress.

    Args:
        plain: The module to train.
        optimizer: Its optimiser.
        fabric: Devices and precision.
        record: Receives the events.
        every: Number of updates between two lines of metrics ("log"), validations ("validate") and checkpoints ("save"), and the
            number of all updates ("steps"). The last update has all three.
        folder: Run folder, None to write nothing.
        fingerprint: Identifies the settings that a checkpoint must belong to.
    """

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
        # Reading a loss makes an accelerator wait for it. On a CPU it costs nothing.
        self.look_every = 1 if fabric.device.type == "cpu" else every["log"]
        self.since = self.state.step, time.perf_counter()
        self.value, self.norm = torch.zeros(()), torch.zeros(())

    def update(self, loss: Loss, batch: Batch, *, seed: int, rate: float, clip: float) -> None:
        """Update the weights once, and report the metrics of the update."""
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
        """Return whether any process received a signal to stop. All must stop together, or the others would wait for it."""
        if self.state.step % self.look_every and self.fabric.world_size > 1:
            return False
        asked.number = self.most(asked.number)
        return asked.number > 0

    def validate(self, validate: Validate | None) -> bool:
        """Validate if that is due, and save the weights if they are the best so far. Return whether it was due."""
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
        """Write a checkpoint if one is due, or if `at_once`."""
        if self.latest and self.fabric.is_global_zero and (at_once or self.due("save")):
            self.record.require_finite(self.state.step, self.value, self.norm)
            checkpoint.save(self.latest, self.plain, self.state, self.optimizer)

    def agree(self, asked: bool) -> bool:
        """Return whether `asked` holds in any process. Every process must call it, and all get the same answer."""
        return self.most(int(asked)) > 0

    def most(self, number: int) -> int:
        """Return the largest `number` of all processes. Every process must call it."""
        if self.fabric.world_size == 1:
            return number
        largest = self.fabric.all_reduce(torch.tensor(float(number), device=self.fabric.device), reduce_op="max")
        return int(largest)  # pyright: ignore[reportArgumentType]


def step_generator(seed: int, step: int, rank: int) -> torch.Generator:
    """Return the random generator of one update. It also seeds the global generators of torch, which dropout uses."""
    number = int(np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)[0] >> 1)
    # torch.manual_seed would format the whole call stack if a device is absent, which takes milliseconds on every update.
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(number)
    return torch.Generator().manual_seed(number)
