"""From resolved settings to a trained run folder: every room put together once, for every domain."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from torchcpc.atomic import write_json
from torchcpc.contracts import QUIET, CPCError, Listener, Model, Progress, Skipped, Sources, Window, note_lines, skip_lines
from torchcpc.data.files.found import skip
from torchcpc.data.splits import hold_out
from torchcpc.data.windows import RandomWindows, sequential
from torchcpc.domains import DOMAINS
from torchcpc.objectives import Contrast, anchors
from torchcpc.runs.build import MODEL_PARTS, build
from torchcpc.runs.devices import ANY_DEVICE, Devices, by_the_first
from torchcpc.runs.open_sources import Data, are_open, named_roots, open_sources, tell
from torchcpc.runs.record import RunRecord
from torchcpc.runs.run import TrainedRun
from torchcpc.runs.saved import located, save_pretrained
from torchcpc.scores import CANDIDATES, Full
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
    """Trains a model of resolved `settings` on `data`, as a new run in `folder`. on_event hears what `training.fit` reports. Raises
    CPCError for a folder in use and for settings that cannot work on these data; a start that fails leaves no folder behind."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        resumed = f"Continue it with `cpc train --resume {folder}`"
        raise CPCError(f"{folder} exists and is not empty. {resumed}, or choose another with -o.")
    settings = json.loads(json.dumps(settings))  # as they are read back: lists for tuples
    precision, roots = devices.resolved_precision(), named_roots(data)
    if are_open(data):
        sources = data
        tell(listener, sources)
    else:
        sources = open_sources(settings["data"], roots, listener)
    fabric = devices.launch(precision)
    record = RunRecord(
        recipe=recipe, seed=seed, precision=precision, processes=fabric.world_size, roots=roots, settings=settings
    )
    try:
        return _train(folder, fabric, record, sources, listener, on_event)
    except BaseException:
        # A run in which nothing was learned would stand in the way of the next try, and could not be resumed either.
        if fabric.is_global_zero and not any((folder / name).exists() for name in ("metrics.jsonl", "latest.safetensors")):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def resume(folder: Path, *, devices: Devices = ANY_DEVICE, listener: Listener = QUIET, on_event: OnEvent = ignore) -> Trained:
    """Goes on with the run in `folder` to its end, bit for bit as if it had never stopped."""
    record = RunRecord.read(folder)
    if record.expanded:
        origin = record.expanded["run"]
        raise CPCError(f"{folder} is an expanded model, which has nothing to resume: resume {origin}, and expand that again.")
    sources = open_sources(located(record.settings["data"], folder), record.roots, listener)
    fabric = devices.launch(record.precision)
    if record.processes != fabric.world_size:
        raise CPCError(
            f"{folder} was begun by {record.processes} processes, and the order of its data depends on them; these are "
            f"{fabric.world_size}. Resume it with as many devices (--devices) and machines (--nodes)."
        )
    return _train(folder, fabric, record, sources, listener, on_event)


def _train(folder: Path, fabric: Fabric, record: RunRecord, sources: Sources, listener: Listener, on_event: OnEvent) -> Trained:
    """Split, learn what comes before the first update, write the record, and fit. A record without counts was never written."""
    first = fabric.is_global_zero
    with listener.stage("training") as progress:
        domain, parts = DOMAINS[record.settings["data"]["name"]], hold_out(sources, record.seed, **record.settings["split"])
        settings = by_the_first(fabric, partial(domain.learn, record.settings, sources.select(parts.train), folder, progress))
        data = located(settings["data"], folder)
        sources = domain.as_read(data, sources)
        model = build(settings, seed=record.seed)
        train, short = long_enough(sources, parts.train, model)
        doubts = domain.doubts(sources.select(train))
        counts = {"recordings": len(sources), "trained": len(train), "validated": len(parts.validation)}
        counts |= {"unseen": len(parts.unseen), "groups": len(sources.groups), "hours": sources.hours}
        counts |= {"skipped": len(sources.skipped) + len(short)}
        new, record = not record.data, replace(record, settings=settings, data=record.data or counts)
        order = RandomWindows(sources.select(train), model.encoder.stride, record.seed, **settings["windows"])
        sizes = {name: settings["windows"][name] for name in ("length", "batch")}
        held_out = sequential(sources.select(parts.validation), **sizes, limit=VALIDATION_WINDOWS)
        check_competitors(settings["candidates"]["strategy"], model, held_out)
        if first:
            for text in (*skip_lines(short, len(train)), *note_lines(doubts)):
                listener.note(text)
        if new and first:
            for name, facts in (("skipped", (*sources.skipped, *short)), ("notes", (*sources.notes, *doubts))):
                write_json(folder / f"{name}.json", [asdict(fact) for fact in facts])
            record.write(folder)
        contrast = Contrast(construct(CANDIDATES, settings["candidates"]))

        def loss(model: Model, window: Window, generator: torch.Generator) -> tuple[Tensor, Metrics]:
            value, metrics = contrast(model, window, generator)
            return value, {**metrics, "horizons": list(model.predictor.horizons), "positions": window.length.sum()}

        def validate(model: Model) -> Metrics:
            return held_out_bound(model, contrast, held_out, seed=record.seed, device=fabric.device)

        on_event = narrate(listener, progress, settings["training"]["steps"], sources.rate, on_event)
        given = {"fingerprint": record.fingerprint(), "seed": record.seed, **settings["training"]}
        outcome = fit(model, loss, order.draw, validate, folder, fabric, on_event, **given)
    if first and (best := folder / "best.safetensors").exists():
        checkpoint.load(best, model, fingerprint=record.fingerprint())
        save_pretrained(model, settings, folder)
    if fabric.world_size > 1:
        fabric.barrier()
        torch.distributed.destroy_process_group()
    config = {**{name: settings[name] for name in MODEL_PARTS}, "data": data}
    run = TrainedRun(folder, model.cpu().eval(), config, record, domain, listener=listener, own=[sources])
    return Trained(run, outcome, first)


def long_enough(sources: Sources, indices: Sequence[int], model: Model) -> tuple[list[int], list[Skipped]]:
    """Of the sources at `indices` those that hold a pair (t, t+k) to learn from, and why not the others. Raises CPCError if none does."""
    first, stride = min(model.predictor.horizons), model.encoder.stride
    steps = {index: sources.length(index) // stride for index in indices}
    found = [index for index in indices if steps[index] > first]
    if not found:
        raise CPCError(
            f"none of {len(indices)} training sources is longer than {first} steps (of {stride}), so there is nothing to predict: name "
            "longer ones. A row of a table of sentences is a source of one step; text is learned from documents, one file each."
        )
    short = [index for index in indices if steps[index] <= first]
    return found, [skip(sources.items[i].key, f"{steps[i]} steps, none of them {first} ahead of another") for i in short]


def check_competitors(strategy: str, model: Model, held_out: Sequence[Window]) -> None:
    """Raises CPCError where there is no validation window, and where steps of one would have no other to compete with."""
    if not held_out:
        raise CPCError("there is no validation window: hold out more sources (split.validation), or shorten the window.")
    everyone, generator, alone = Full(strategy=strategy), torch.Generator(), 0
    for window in held_out:
        steps = model.encoder.steps(window)
        spans = everyone.draw(steps, anchors(steps, model.predictor.horizons).target_M, generator).spans
        alone += spans is not None and bool((spans.count == 0).any())
    if alone:
        raise CPCError(
            f"{alone} of {len(held_out)} validation batches hold steps that no other may compete with: candidates.strategy = {strategy!r} "
            "leaves out their own sequence or stretch, or asks for others of their group, and there are none. Hold out more sources, "
            "or longer ones (split.validation), or choose another strategy."
        )


def narrate(listener: Listener, progress: Progress, steps: int, rate: float, then: OnEvent = ignore) -> OnEvent:
    """Hears the events of a training of `steps` updates on sources of `rate` positions per second, and passes them on."""
    line = ""

    def on_event(event: str, step: int, metrics: Metrics) -> None:
        nonlocal line
        if event == "train":
            line = training_line(metrics, rate)
        elif event == "valid":
            listener.note(f"update {step}: {validation_line(metrics)}")
        elif event == "warning":
            listener.note(f"warning at update {step}: {metrics['reason']}")
        progress(step, steps, line)
        then(event, step, metrics)

    return on_event


def training_line(metrics: Metrics, rate: float) -> str:
    """Loss, accuracy beside chance, and raw seconds per second."""
    speed = metrics["steps_per_second"] * float(metrics["positions"]) / rate
    ks = list(zip(metrics["horizons"], metrics["accuracy_per_k"].tolist(), strict=True))
    accuracy = " ".join(f"{k}:{share:.0%}" for k, share in (ks[0], ks[len(ks) // 2], ks[-1]))
    chance = float(metrics["chance_per_k"].nanmean())
    return f"loss {float(metrics['loss']):.2f} nats, accuracy at k {accuracy} (chance {chance:.1%}), {speed:.0f} s/s"


def validation_line(metrics: Metrics) -> str:
    """The bound beside its ceiling, and accuracy beside chance."""
    ceiling, chance = (sum(metrics[name]) / len(metrics[name]) for name in ("ceiling_per_k", "chance_per_k"))
    accuracy = " ".join(f"{k}:{share:.0%}" for k, share in zip(metrics["horizons"], metrics["accuracy_per_k"], strict=True))
    return (
        f"validation bound {metrics['bound']:.3f} of at most {ceiling:.2f} nats; accuracy at k {accuracy} (chance {chance:.1%})"
    )
