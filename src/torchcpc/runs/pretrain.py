"""From resolved settings to a trained run folder: every room put together once, for every domain."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from torchcpc.atomic import write_json
from torchcpc.contracts import QUIET, CPCError, Listener, Model, Sources, Window
from torchcpc.data.splits import hold_out
from torchcpc.data.windows import RandomWindows, sequential
from torchcpc.domains import DOMAINS
from torchcpc.model import CPCModel
from torchcpc.objectives import Contrast
from torchcpc.runs.build import PARTS, build
from torchcpc.runs.devices import ANY_DEVICE, Devices, by_the_first, part
from torchcpc.runs.narrate import narrate
from torchcpc.runs.open_sources import Data, are_open, named_roots, open_sources
from torchcpc.runs.record import RunRecord
from torchcpc.runs.requirements import long_enough, require_competitors
from torchcpc.runs.run import TrainedRun
from torchcpc.runs.saved import located, save_pretrained
from torchcpc.scores import CANDIDATES
from torchcpc.settings import Settings, construct
from torchcpc.training import Outcome, checkpoint, fit
from torchcpc.training.health import Metrics
from torchcpc.training.record import OnEvent, ignore
from torchcpc.training.validation import held_out_bound

if TYPE_CHECKING:
    from lightning_fabric import Fabric

# Enough for a bound with a standard error of a few hundredths of a nat, few enough to validate in seconds.
VALIDATION_WINDOWS = 256


class Trained(NamedTuple):
    """The run, with the best weights so far; how its training ended; whether this is the first of its processes, the one that speaks."""

    run: TrainedRun
    outcome: Outcome
    first: bool


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
    """Trains a model of resolved `settings` on `data`, as a new run in `folder`. on_event hears what `training.fit` reports.

    Raises CPCError for a folder in use and for settings that cannot work on these data; a start that fails leaves no folder behind.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CPCError(
            f"{folder} exists and is not empty. Continue it with `cpc train --resume {folder}`, or choose another with -o."
        )
    settings = json.loads(json.dumps(settings))  # as they are read back: lists for tuples
    precision, roots = devices.resolved_precision(), named_roots(data)
    sources = data if are_open(data) else open_sources(settings["data"], roots, listener)
    fabric = devices.launch(precision)
    record = RunRecord(
        recipe=recipe, seed=seed, precision=precision, processes=fabric.world_size, roots=roots, settings=settings
    )
    try:
        return _Pretraining(folder, fabric, listener, on_event).train(record, sources)
    except BaseException:
        # A run in which nothing was learned would stand in the way of the next try, and could not be resumed either.
        if fabric.is_global_zero and not any((folder / name).exists() for name in ("metrics.jsonl", "latest.safetensors")):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def resume(folder: Path, *, devices: Devices = ANY_DEVICE, listener: Listener = QUIET, on_event: OnEvent = ignore) -> Trained:
    """Goes on with the run in `folder` to its end, bit for bit as if it had never stopped."""
    record = RunRecord.read(folder)
    if record.expanded:
        raise CPCError(
            f"{folder} is an expanded model, which has nothing to resume: resume {record.expanded['run']}, and expand that again."
        )
    sources = open_sources(located(record.settings["data"], folder), record.roots, listener)
    fabric = devices.launch(record.precision)
    if record.processes != fabric.world_size:
        raise CPCError(
            f"{folder} was begun by {record.processes} processes, and the order of its data depends on them; these are "
            f"{fabric.world_size}. Resume it with as many devices (--devices) and machines (--nodes)."
        )
    return _Pretraining(folder, fabric, listener, on_event).train(record, sources)


@dataclass(frozen=True, slots=True)
class _Pretraining:
    """What a new run and a resumed one have in common."""

    folder: Path
    fabric: Fabric
    listener: Listener
    on_event: OnEvent

    def train(self, record: RunRecord, sources: Sources) -> Trained:
        """Split, learn what comes before the first update, write the record, and fit. A record without counts was never written."""
        with self.listener.stage("training") as progress:
            domain, parts = DOMAINS[record.settings["data"]["name"]], hold_out(sources, record.seed, **record.settings["split"])
            learn = partial(domain.learn, record.settings, sources.select(parts.train), self.folder, progress)
            settings = by_the_first(self.fabric, learn)
            data = located(settings["data"], self.folder)
            sources = domain.as_read(data, sources)
            model = build(settings, seed=record.seed)
            train, short = long_enough(sources, parts.train, model)
            counts = {
                "recordings": len(sources),
                "trained": len(train),
                "validated": len(parts.validation),
                "unseen": len(parts.unseen),
                "groups": len(sources.groups),
                "hours": sources.hours,
                "skipped": len(sources.skipped) + len(short),
            }
            new, record = not record.data, replace(record, settings=settings, data=record.data or counts)
            order = RandomWindows(sources.select(train), model.encoder.stride, record.seed, **settings["windows"])
            sizes = {"length": settings["windows"]["length"], "batch": settings["windows"]["batch"]}
            held_out = sequential(sources.select(parts.validation), **sizes, limit=VALIDATION_WINDOWS)
            require_competitors(settings["candidates"]["strategy"], model, held_out)
            if new and self.fabric.is_global_zero:
                skipped = [{"path": each.path, "reason": each.reason} for each in (*sources.skipped, *short)]
                write_json(self.folder / "skipped.json", skipped)
                record.write(self.folder)
            narration = narrate(self.listener, progress, settings["training"]["steps"], sources.rate)
            outcome = self._fit(record, model, order, held_out, narration)
        best = self.folder / "best.safetensors"
        if self.fabric.is_global_zero and best.exists():
            checkpoint.load(best, model, fingerprint=record.fingerprint())
            save_pretrained(model, settings, self.folder)
        part(self.fabric)
        config = {**{name: settings[name] for name in PARTS}, "data": data}
        run = TrainedRun(self.folder, model.cpu().eval(), config, record, domain, listener=self.listener, own=[sources])
        return Trained(run, outcome, self.fabric.is_global_zero)

    def _fit(
        self, record: RunRecord, model: CPCModel, order: RandomWindows, held_out: Sequence[Window], narration: OnEvent
    ) -> Outcome:
        contrast, first = Contrast(construct(CANDIDATES, record.settings["candidates"])), self.fabric.is_global_zero

        def loss(model: Model, window: Window, generator: torch.Generator) -> tuple[Tensor, Metrics]:
            value, metrics = contrast(model, window, generator)
            return value, {**metrics, "horizons": list(model.predictor.horizons), "positions": window.length.sum()}

        def on_event(event: str, step: int, metrics: Metrics) -> None:
            if first:
                narration(event, step, metrics)
                self.on_event(event, step, metrics)

        return fit(
            model,
            loss=loss,
            draw=order.draw,
            validate=lambda model: held_out_bound(model, contrast, held_out, seed=record.seed, device=self.fabric.device),
            folder=self.folder,
            fabric=self.fabric,
            on_event=on_event,
            fingerprint=record.fingerprint(),
            seed=record.seed,
            **record.settings["training"],
        )
