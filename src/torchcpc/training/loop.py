"""The training loop, the only one: CPC, supervised baselines and probes all run through it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from torchcpc.contracts import CPCError
from torchcpc.data.prefetch import prefetch
from torchcpc.training import checkpoint
from torchcpc.training.interrupt import polite_stop
from torchcpc.training.record import Metrics, Record
from torchcpc.training.schedule import learning_rate as rate_at

Loss = Callable[[Any, Any, torch.Generator], tuple[Tensor, Metrics]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How training ended: updates done, best validation value (None without validation), and whether it was asked to stop early."""

    step: int
    best: float | None
    interrupted: bool


def fit(
    model: nn.Module,
    loss: Loss,
    draw: Callable[..., Any],
    validate: Callable[[nn.Module], Metrics] | None = None,
    folder: Path | None = None,
    fabric: Fabric | None = None,
    on_event: Callable[[str, int, Metrics], None] = lambda event, step, metrics: None,
    fingerprint: str = "",
    seed: int = 0,
    *,
    steps: int,
    learning_rate: float = 2e-4,
    weight_decay: float = 0.0,
    clip: float = 0.0,
    warmup: int = 0,
    schedule: str = "constant",
    log_every: int = 25,
    validate_every: int = 250,
    save_every: int = 250,
    patience: int = 0,
) -> Outcome:
    """Trains `model` in place with Adam for `steps` updates, going on from `folder`/latest.safetensors where there is one.

    loss(model, batch, generator) -> (scalar, metrics); draw(step, rank) -> batch, a pure function; the generator is a function of
    (seed, step, rank), so a resumed run takes the very steps the uninterrupted one would have. Several processes each take the loss of
    their own batch among their own candidates, and the gradient is the mean of theirs: N never counts those of another process.
    validate(model) -> metrics with
    `bound`, higher is better. With a folder: metrics.jsonl, latest.safetensors every `save_every` updates, best.safetensors at each
    new best validation. clip: largest norm of the gradient, 0 for none. patience: stop after so many validations in a row without a
    new best, 0 for never. on_event(event, step, metrics): "step" after every
    update (no metrics), "train", "valid", "warning". Raises CPCError when the loss is not finite; the last checkpoint is left as it was.
    """
    if steps < 1:
        raise CPCError(f"training.steps = {steps}: train for at least one update.")
    fabric = fabric or Fabric(accelerator="cpu", devices=1)
    plain = model
    model, optimizer = fabric.setup(
        plain, torch.optim.Adam(plain.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)
    )
    record = Record(folder if fabric.is_global_zero else None, on_event)
    state = checkpoint.Progress(step=0, best=None, fingerprint=fingerprint)
    latest = folder / "latest.safetensors" if folder else None
    if latest and latest.exists():
        state = checkpoint.load(latest, plain, optimizer, fingerprint=fingerprint)
    record.rewind(state.step)
    # Looking at a loss makes an accelerator wait for it; on a CPU it is free.
    look_every = 1 if fabric.device.type == "cpu" else log_every
    watch = Stopwatch(state.step)
    stopping = enough = agreed(fabric, 0 < patience <= record.stale)
    if enough:  # a run that has stopped of itself is not a step longer for being resumed
        return Outcome(state.step, state.best, interrupted=False)
    with (
        torch.random.fork_rng(),
        polite_stop() as stop,
        prefetch(partial(draw, rank=fabric.global_rank), state.step, steps) as batches,
    ):
        for batch in batches:
            rate = rate_at(state.step, peak=learning_rate, steps=steps, warmup=warmup, schedule=schedule)
            for group in optimizer.param_groups:
                group["lr"] = rate
            with fabric.autocast():
                generator = step_generator(seed, state.step, fabric.global_rank)
                value, metrics = loss(model, fabric.to_device(batch), generator)
            fabric.backward(value)
            norm = nn.utils.clip_grad_norm_(plain.parameters(), clip or math.inf)
            state = replace(state, step=state.step + 1)
            if state.step % look_every == 0:
                record.require_finite(state.step, value, norm)
            optimizer.step()
            optimizer.zero_grad()
            record.event("step", state.step, {})
            last = state.step == steps
            # Each of several processes gets its own signal, if any; where only one left, the others would wait for it for ever.
            stopping = (state.step % look_every == 0 or fabric.world_size == 1) and agreed(fabric, stop())
            if state.step % log_every == 0 or last:
                speed = {"steps_per_second": watch.lap(state.step)}
                metrics = {**metrics, "loss": value.detach(), "learning_rate": rate, "gradient_norm": norm, **speed}
                record.event("train", state.step, metrics)
            due = validate is not None and (state.step % validate_every == 0 or last)
            if validate and due:
                measured = validate(plain)
                record.validated(state.step, measured)
                if state.best is None or measured["bound"] > state.best:
                    state = replace(state, best=measured["bound"])
                    record.keep_best(plain, state)
                watch.restart(state.step)  # validating is not training
            enough = due and agreed(fabric, 0 < patience <= record.stale)
            if latest and fabric.is_global_zero and (state.step % save_every == 0 or last or stopping or enough):
                record.require_finite(state.step, value, norm)
                checkpoint.save(latest, plain, optimizer, state)
            if stopping or enough:
                break
    return Outcome(state.step, state.best, interrupted=stopping and state.step < steps)


def agreed(fabric: Fabric, asked: bool) -> bool:
    """Whether any of the processes asks; the same answer in each, which must all call it."""
    if fabric.world_size == 1:
        return asked
    count = torch.tensor(float(asked), device=fabric.device)
    return bool(fabric.all_reduce(count, reduce_op="sum"))


def step_generator(seed: int, step: int, rank: int) -> torch.Generator:
    """Randomness of one update as a function of where it stands in the run; torch's global generators, for dropout, follow it."""
    number = int(np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)[0] >> 1)
    # Not torch.manual_seed: with a device absent it formats the whole call stack, milliseconds on every update.
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(number)
    return torch.Generator().manual_seed(number)


class Stopwatch:
    """Updates per second since the last lap."""

    def __init__(self, step: int) -> None:
        self.restart(step)

    def restart(self, step: int) -> None:
        self.step, self.since = step, time.perf_counter()

    def lap(self, step: int) -> float:
        rate = (step - self.step) / (time.perf_counter() - self.since)
        self.restart(step)
        return rate
