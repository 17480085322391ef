"""Train a model from resolved settings, as a new run folder, or resume a run. This works for every domain."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import torch

from torchcpc.contracts import QUIET, CPCError, Listener, Sources
from torchcpc.domains import DOMAINS
from torchcpc.model import CPCModel
from torchcpc.runs.build import MODEL_PARTS
from torchcpc.runs.check_settings import check_seed, check_settings
from torchcpc.runs.devices import ANY_DEVICE, Devices
from torchcpc.runs.narrate import narrate
from torchcpc.runs.objective import objective_of
from torchcpc.runs.open_sources import Data, are_open, named_roots, open_sources, tell
from torchcpc.runs.plan import Clock, Pace, TrainingPlan, plan_of
from torchcpc.runs.prepare import Prepared, prepare
from torchcpc.runs.record import RunRecord
from torchcpc.runs.run import TrainedRun, load_run
from torchcpc.runs.same_data import check_data, note_data
from torchcpc.runs.saved import located, save_pretrained
from torchcpc.runs.standing import standing
from torchcpc.runs.start import remove_partial, require_new, starting
from torchcpc.runs.together import ending_together
from torchcpc.settings import Settings
from torchcpc.signals import deferred
from torchcpc.training import checkpoint
from torchcpc.training.health import Metrics
from torchcpc.training.loop import Outcome, Validate, fit
from torchcpc.training.record import OnEvent, ignore
from torchcpc.training.state import BEST

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Trained(NamedTuple):
    """A trained run.

    Attributes:
        run: The run, with its best weights.
        outcome: How its training ended.
    """

    run: TrainedRun
    outcome: Outcome


class Begun(NamedTuple):
    """A training before its data are split.

    Attributes:
        record: How the run is trained.
        sources: The opened sources.
        fabric: Devices and processes.
        step: Updates done before.
    """

    record: RunRecord
    sources: Sources
    fabric: Fabric
    step: int = 0


def pretrain(
    settings: Settings,
    data: Data | None,
    folder: Path,
    *,
    recipe: str = "",
    seed: int = 0,
    devices: Devices = ANY_DEVICE,
    listener: Listener = QUIET,
    on_event: OnEvent = ignore,
) -> Trained:
    """Train a model as a new run.

    Args:
        settings: Resolved settings.
        data: Folders or manifests, open sources, or None for a reader that needs no data.
        folder: Run folder, which must be new or empty.
        recipe: Name of the recipe, for the record.
        seed: Seed of the weights, the data order and the candidates.
        devices: Devices to train on.
        listener: Receives the notes and the progress.
        on_event: Hears the events of the training, see `record.OnEvent`.

    Returns:
        The run with its best weights, and how its training ended.

    Raises:
        CPCError: For a folder in use, and for settings that do not work on these data. A start that fails leaves no folder.
    """
    require_new(folder)
    begun = begin(settings, data, recipe=recipe, seed=seed, devices=devices, listener=listener)
    with starting(folder, first=begun.fabric.is_global_zero):
        return _train(folder, begun, partial(prepare, begun.record, note_data), listener, on_event)


def begin(settings: Settings, data: Data | None, *, recipe: str, seed: int, devices: Devices, listener: Listener) -> Begun:
    """Check the settings, open the data and start the processes. Nothing is written."""
    devices.check()
    check_settings(settings)
    check_seed(seed)
    settings = json.loads(json.dumps(settings))  # tuples become lists, as they are read back from the file
    precision, roots = devices.resolved_precision(), named_roots(data)
    listener = listener if devices.is_first() else QUIET
    if are_open(data):
        sources = data
        tell(listener, sources)
    else:
        sources = open_sources(settings["data"], roots, listener)
    fabric = devices.launch(precision)
    how = {"recipe": recipe, "seed": seed, "precision": precision, "processes": fabric.world_size, "roots": roots}
    return Begun(RunRecord(**how, settings=settings), sources, fabric)


def resume(
    folder: Path,
    data: Data | None = None,
    *,
    accept_changed_data: bool = False,
    devices: Devices = ANY_DEVICE,
    listener: Listener = QUIET,
    on_event: OnEvent = ignore,
) -> Trained:
    """Continue a run to its end, bit for bit as if it had never stopped.

    Args:
        folder: Run folder.
        data: New place of the data, or open sources. None for the place that the run remembers.
        accept_changed_data: Whether to continue if the data have changed.
        devices: Devices to train on, as many as before.
        listener: Receives the notes and the progress.
        on_event: Hears the events of the training, see `record.OnEvent`.

    Returns:
        The run with its best weights, and how its training ended.

    Raises:
        CPCError: If the run cannot be resumed, or if its data have changed and that is not accepted.
    """
    written, now = RunRecord.read(folder), standing(folder)
    listener = listener if devices.is_first() else QUIET
    if (
        now.ended
        and data is None
        and not accept_changed_data
        and (folder / "model.safetensors").exists()
        and not written.expanded
    ):
        remove_partial(folder)
        listener.note(now.resumed())
        return Trained(load_run(folder, listener=listener), Outcome(now.step, now.best.best if now.best else None))
    begun = begin_again(folder, data, devices=devices, listener=listener)
    if begun.fabric.is_global_zero:
        remove_partial(folder)
        listener.note(now.resumed())
    same = partial(check_data, accept_changed=accept_changed_data, note=listener.note)
    return _train(folder, begun, partial(prepare, begun.record, same, written=written), listener, on_event)


def begin_again(folder: Path, data: Data | None, *, devices: Devices, listener: Listener) -> Begun:
    """Check a run that is resumed, open its data and start the processes. Nothing is written."""
    devices.check()
    record, listener = RunRecord.read(folder), listener if devices.is_first() else QUIET
    if record.expanded:
        origin = record.expanded["run"]
        raise CPCError(f"{folder} is an expanded model, which has nothing to resume: resume {origin}, and expand that again.")
    moved = named_roots(data)
    if gone := [root for root in moved or record.roots if not Path(root).exists()]:
        raise CPCError(
            f"{gone[0]}, which {folder} was trained on, is not there. Name its new place: --resume {folder} --data PLACE."
        )
    if moved and moved != record.roots and not record.sources:
        raise CPCError(f"{folder} was begun by an older version, which cannot tell whether {moved[0]} holds the same data.")
    named = located(record.settings["data"], folder)
    sources = data if are_open(data) else open_sources(named, moved or record.roots, listener)
    fabric = devices.launch(record.precision)
    if record.processes != fabric.world_size:
        raise CPCError(
            f"{folder} was begun by {record.processes} processes, and the order of its data depends on them; these are "
            f"{fabric.world_size}. Resume it with as many devices (--devices) and machines (--nodes)."
        )
    return Begun(replace(record, roots=moved or record.roots), sources, fabric, standing(folder).step)


def _train(folder: Path, begun: Begun, prepared: Callable[..., Prepared], listener: Listener, on_event: OnEvent) -> Trained:
    """Prepare, train, and save the best weights as a model. A signal acts after that. Only the first process returns."""
    fabric = begun.fabric
    with ending_together(fabric), listener.stage("training") as progress:
        ready = prepared(folder, fabric, begun.sources, listener, progress)
        record, sources, model = ready.record, ready.sources, ready.model
        settings, first = record.settings, fabric.is_global_zero
        loss, validate = objective_of(ready, fabric)
        clock = _announced(plan_of(ready, begun=begun.step), validate, model, fabric, listener)

        at = begun.step

        def keep(event: str, step: int, metrics: Metrics) -> None:
            nonlocal at
            at = step
            if event == "best":
                save_pretrained(model, settings, folder)
            clock(event, step, metrics)
            on_event(event, step, metrics)

        unit = DOMAINS[settings["data"]["name"]].unit(settings, sources)
        hear = narrate(listener, progress, settings["training"]["steps"], unit, keep)
        given = {"fingerprint": record.fingerprint(), "seed": record.seed, **settings["training"]}
        if first:
            on_event("begun", begun.step, {"folder": folder, "settings": settings})
        with deferred() as asked:
            try:
                outcome = fit(model, loss, ready.order.draw, validate, folder, fabric, hear, **given)
            finally:
                if first:
                    on_event("left", at, {})
            if first:
                checkpoint.load(folder / BEST, model, fingerprint=record.fingerprint())
                save_pretrained(model, settings, folder)  # a run of an older version lacks this file
                if asked.number and not (now := standing(folder)).ended:
                    at = f"update {now.step:,} of {now.steps:,} ({now.of_best()})"
                    listener.note(f"stopped after {at}; continue with: cpc train --resume {folder}")
            if not first:
                asked.number = 0  # the first process acts for all
            if fabric.world_size > 1:
                fabric.barrier()
                torch.distributed.destroy_process_group()
    if not first:
        raise SystemExit(0)
    listener.note(f"{standing(folder).of_best()}; model and metrics in {folder}")
    config = {**{name: settings[name] for name in MODEL_PARTS}, "data": located(settings["data"], folder)}
    domain = DOMAINS[config["data"]["name"]]
    run = TrainedRun(folder, model.cpu().eval(), config, record, domain, listener=listener, own=[sources])
    return Trained(run, outcome)


def _announced(plan: TrainingPlan, validate: Validate, model: CPCModel, fabric: Fabric, listener: Listener) -> Clock:
    """Note the plan of a training, and its memory and time as soon as they are known.

    A resumed training does not begin with a validation, so one is made here to be timed.
    """
    if not fabric.is_global_zero:
        return Clock(fabric.device, lambda pace: None, 0.0)
    for line in plan.lines():
        listener.note(line)

    def tell(pace: Pace) -> None:
        for line in replace(plan, pace=pace).pace_lines():
            listener.note(line)

    if not plan.begun:
        return Clock(fabric.device, tell)
    began = perf_counter()
    validate(model.to(fabric.device))
    return Clock(fabric.device, tell, perf_counter() - began)
