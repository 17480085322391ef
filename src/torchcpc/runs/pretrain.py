"""From resolved settings to a trained run folder: every room put together once, for every domain."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from torchcpc.contracts import QUIET, CPCError, Listener, Model, Sources, Window
from torchcpc.domains import DOMAINS
from torchcpc.objectives import Contrast
from torchcpc.runs.build import MODEL_PARTS
from torchcpc.runs.check_settings import check_seed, check_settings
from torchcpc.runs.devices import ANY_DEVICE, Devices
from torchcpc.runs.narrate import narrate
from torchcpc.runs.open_sources import Data, are_open, named_roots, open_sources, tell
from torchcpc.runs.prepare import Prepared, prepare
from torchcpc.runs.record import RunRecord
from torchcpc.runs.run import TrainedRun, load_run
from torchcpc.runs.same_data import check_data, note_data
from torchcpc.runs.saved import located, save_pretrained
from torchcpc.runs.standing import standing
from torchcpc.runs.start import remove_partial, require_new, starting
from torchcpc.runs.together import ending_together
from torchcpc.scores import CANDIDATES
from torchcpc.settings import Settings, construct
from torchcpc.signals import deferred
from torchcpc.training import checkpoint
from torchcpc.training.health import Metrics
from torchcpc.training.loop import Outcome, fit
from torchcpc.training.record import OnEvent, ignore
from torchcpc.training.state import BEST
from torchcpc.training.validation import held_out_bound

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Trained(NamedTuple):
    """The run, with its best weights, and how its training ended."""

    run: TrainedRun
    outcome: Outcome


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
    """Trains a model of resolved `settings` on `data`, as a new run in `folder`. on_event hears what `training.fit` reports. Raises
    CPCError for a folder in use and for settings that cannot work on these data; a start that fails leaves no folder behind."""
    devices.check()
    check_settings(settings)
    check_seed(seed)
    require_new(folder)
    settings = json.loads(json.dumps(settings))  # as they are read back: lists for tuples
    precision, roots = devices.resolved_precision(), named_roots(data)
    listener = listener if devices.is_first() else QUIET
    if are_open(data):
        sources = data
        tell(listener, sources)
    else:
        sources = open_sources(settings["data"], roots, listener)
    fabric = devices.launch(precision)
    record = RunRecord(
        recipe=recipe, seed=seed, precision=precision, processes=fabric.world_size, roots=roots, settings=settings
    )
    with starting(folder, first=fabric.is_global_zero):
        return _train(folder, fabric, partial(prepare, record, note_data), sources, listener, on_event)


def resume(
    folder: Path,
    data: Data | None = None,
    *,
    accept_changed_data: bool = False,
    devices: Devices = ANY_DEVICE,
    listener: Listener = QUIET,
    on_event: OnEvent = ignore,
) -> Trained:
    """Goes on with the run in `folder` to its end, bit for bit as if it had never stopped. data: its sources, where they are in memory or
    in another place now. Raises CPCError where they have changed since, unless that is accepted."""
    devices.check()
    record, listener = RunRecord.read(folder), listener if devices.is_first() else QUIET
    if record.expanded:
        origin = record.expanded["run"]
        raise CPCError(f"{folder} is an expanded model, which has nothing to resume: resume {origin}, and expand that again.")
    begun = standing(folder)
    if begun.ended and data is None and not accept_changed_data and (folder / "model.safetensors").exists():
        remove_partial(folder)
        listener.note(begun.resumed())
        return Trained(load_run(folder, listener=listener), Outcome(begun.step, begun.best.best if begun.best else None))
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
    if fabric.is_global_zero:
        remove_partial(folder)
        listener.note(begun.resumed())
    same = partial(check_data, accept_changed=accept_changed_data, note=listener.note)
    prepared = partial(prepare, replace(record, roots=moved or record.roots), same, written=record)
    return _train(folder, fabric, prepared, sources, listener, on_event)


def _train(
    folder: Path, fabric: Fabric, prepared: Callable[..., Prepared], sources: Sources, listener: Listener, on_event: OnEvent
) -> Trained:
    """Prepare, fit, and save the best weights as a model. A signal acts when that is done. Only the first process returns."""
    with ending_together(fabric), listener.stage("training") as progress:
        record, sources, model, order, held_out = prepared(folder, fabric, sources, listener, progress)
        settings, first = record.settings, fabric.is_global_zero
        contrast = Contrast(construct(CANDIDATES, settings["candidates"]))

        def loss(model: Model, window: Window, generator: torch.Generator) -> tuple[Tensor, Metrics]:
            value, metrics = contrast(model, window, generator)
            return value, {
                **metrics,
                "horizons": list(model.predictor.horizons),
                "positions": window.length.sum() * fabric.world_size,
            }

        def validate(model: Model) -> Metrics:
            return held_out_bound(model, contrast, held_out, seed=record.seed, device=fabric.device)

        def keep(event: str, step: int, metrics: Metrics) -> None:
            if event == "best":
                save_pretrained(model, settings, folder)
            on_event(event, step, metrics)

        unit = DOMAINS[settings["data"]["name"]].unit(settings, sources)
        hear = narrate(listener, progress, settings["training"]["steps"], unit, keep)
        given = {"fingerprint": record.fingerprint(), "seed": record.seed, **settings["training"]}
        with deferred() as asked:
            outcome = fit(model, loss, order.draw, validate, folder, fabric, hear, **given)
            if first:
                checkpoint.load(folder / BEST, model, fingerprint=record.fingerprint())
                save_pretrained(model, settings, folder)  # of a run begun by an older version it is not there yet
                if asked.number and not (now := standing(folder)).ended:
                    at = f"update {now.step:,} of {now.steps:,} ({now.of_best()})"
                    listener.note(f"stopped after {at}; go on with: cpc train --resume {folder}")
            if not first:
                asked.number = 0  # the first speaks for all
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
