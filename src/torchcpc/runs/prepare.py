"""Prepare a training: check and split the data, learn settings from them, build the model, and write the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from torchcpc.atomic import write_json
from torchcpc.contracts import CPCError, Listener, Model, Progress, Skipped, Sources, Window, counted, note_lines, skip_lines
from torchcpc.data.files.found import skip
from torchcpc.data.splits import Parts, hold_out, in_time
from torchcpc.data.windows import RandomWindows, sequential
from torchcpc.domains import DOMAINS
from torchcpc.model import CPCModel
from torchcpc.objectives import anchors
from torchcpc.runs.build import build
from torchcpc.runs.devices import by_the_first
from torchcpc.runs.record import RunRecord
from torchcpc.runs.saved import located
from torchcpc.runs.start import remove_partial
from torchcpc.scores import Full

if TYPE_CHECKING:
    from lightning_fabric import Fabric

# This many windows give the bound a standard error of a few hundredths of a nat, and a validation takes seconds.
VALIDATION_WINDOWS = 256


class Prepared(NamedTuple):
    """A training before its first update.

    Attributes:
        record: How the run is trained.
        sources: The sources, as the model takes them.
        model: The untrained model.
        order: The training windows.
        held_out: The validation windows.
        parts: Positions of the sources in each part of the split.
        trained: Positions of the training sources that are long enough.
        short: Training sources that are too short, with the reasons.
        doubts: Doubts about the data.
    """

    record: RunRecord
    sources: Sources
    model: CPCModel
    order: RandomWindows
    held_out: list[Window]
    parts: Parts
    trained: list[int]
    short: list[Skipped]
    doubts: list[Skipped]


def prepare(
    record: RunRecord,
    recognise: Callable[[RunRecord, Sources, Path], RunRecord],
    folder: Path,
    fabric: Fabric,
    sources: Sources,
    listener: Listener,
    progress: Progress,
    *,
    written: RunRecord | None = None,
) -> Prepared:
    """Prepare a training.

    Args:
        record: How the run is trained.
        recognise: Function (record, sources, folder) -> record that stores or checks the digests of the data.
        folder: Run folder.
        fabric: Devices and processes.
        sources: The opened sources.
        listener: Receives the notes.
        progress: Shows the progress.
        written: The record that the folder holds already, None for a new run.

    Raises:
        CPCError: For data that these settings cannot be trained on.
    """
    record = by_the_first(fabric, partial(recognise, record, sources, folder))
    given, split = len(sources), record.settings["split"]
    sources = in_time(sources, length=record.settings["windows"]["length"], exclude=split["exclude"])
    domain, parts = DOMAINS[record.settings["data"]["name"]], hold_out(sources, record.seed, **split)
    settings = by_the_first(fabric, partial(domain.learn, record.settings, sources.select(parts.train), folder, progress))
    sources = domain.as_read(located(settings["data"], folder), sources)
    model = build(settings, seed=record.seed)
    train, short = long_enough(sources, parts.train, model)
    # A vocabulary knows all of the text that it was learned from, so other text must show what it lacks.
    doubts = domain.doubts(settings, sources.select([*train, *parts.validation]))
    counts = {"recordings": len(sources), "trained": len(train), "validated": len(parts.validation)}
    counts |= {"unseen": len(parts.unseen), "groups": len(sources.groups), "hours": sources.hours}
    counts |= {"skipped": len(sources.skipped) + len(short), "rate": sources.rate}
    record = replace(record.learned(settings), data=record.data or counts)
    order = RandomWindows(sources.select(train), model.encoder.stride, record.seed, **settings["windows"])
    sizes = {name: settings["windows"][name] for name in ("length", "batch")}
    held_out = sequential(sources.select(parts.validation), **sizes, align=model.encoder.stride, limit=VALIDATION_WINDOWS)
    check_competitors(settings["candidates"]["strategy"], model, held_out)
    if fabric.is_global_zero:
        if len(sources) > given:
            pieces = (
                f"{counted(len(parts.train), 'stretch', 'stretches')} to train on and {len(parts.validation)} to validate on"
            )
            listener.note(f"note: a single {domain.source} to learn from, cut in time: {pieces}")
        for text in (*skip_lines(short, len(train)), *note_lines(doubts)):
            listener.note(text)
    same = written is not None and (written.sources, written.roots) == (record.sources, record.roots)
    if not same and fabric.is_global_zero:
        for name, facts in (("skipped", (*sources.skipped, *short)), ("notes", (*sources.notes, *doubts))):
            write_json(folder / f"{name}.json", [asdict(fact) for fact in facts])
        record.write(folder)
        remove_partial(folder)
    return Prepared(record, sources, model, order, held_out, parts, train, short, doubts)


def long_enough(sources: Sources, indices: Sequence[int], model: Model) -> tuple[list[int], list[Skipped]]:
    """Return the sources that are long enough to hold a pair (t, t+k).

    Args:
        sources: All sources.
        indices: Positions of those to check.
        model: Its horizons and its stride decide.

    Returns:
        The positions of the long enough sources, and the others with the reasons.

    Raises:
        CPCError: If no source is long enough.
    """
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
    """Check that every step of the validation windows has another to compete with.

    Raises:
        CPCError: If a step has none, or if there is no validation window.
    """
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
