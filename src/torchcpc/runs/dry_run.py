"""Plan a training without a run: read the data, build the model, and time a few updates. Nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING

from torchcpc.contracts import QUIET, CPCError, Listener, Progress, Sources
from torchcpc.runs.build import changed
from torchcpc.runs.devices import ANY_DEVICE, Devices
from torchcpc.runs.objective import objective_of
from torchcpc.runs.open_sources import Data
from torchcpc.runs.plan import Clock, Pace, TrainingPlan, plan_of
from torchcpc.runs.prepare import Prepared, prepare
from torchcpc.runs.pretrain import Begun, begin, begin_again
from torchcpc.runs.record import RunRecord
from torchcpc.runs.start import require_new
from torchcpc.runs.together import ending_together
from torchcpc.settings import load_recipe, recipe_name
from torchcpc.training.loop import fit

if TYPE_CHECKING:
    from lightning_fabric import Fabric

# Updates of each process if there are several. They must all do the same number.
_TOGETHER = 12


class _Known(Exception):
    """Ends the timed updates as soon as the pace is known."""


class _Unheard:
    """A listener that shows stages and drops notes, because the plan holds the same facts."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        with self._listener.stage(name) as progress:
            yield progress

    def note(self, text: str) -> None:
        return


def plan(
    recipe: str | Path | Mapping[str, Mapping[str, object]],
    *,
    name: str = "",
    data: Data | None = None,
    out: Path | str | None = None,
    seed: int = 0,
    devices: Devices = ANY_DEVICE,
    listener: Listener = QUIET,
    data_settings: Mapping[str, object] | None = None,
    **sections: Mapping[str, object],
) -> TrainingPlan:
    """Return what `train` would train on with the same arguments, and how much memory and time that takes.

    A few updates are timed. No run folder is made.

    Args:
        recipe: Name or path of a recipe, or its sections.
        name: Name of the run, by default that of the recipe.
        data: Folders or manifests, or open sources.
        out: Folder of the run, by default runs/NAME.
        seed: Seed of the weights, the data order and the candidates.
        devices: Devices to train on.
        listener: Shows the progress.
        data_settings: Settings of the section [data] that replace those of the recipe.
        sections: Settings of other sections that replace those of the recipe.

    Raises:
        CPCError: For everything that `train` refuses.
    """
    tables, title = (recipe, name) if isinstance(recipe, Mapping) else (load_recipe(str(recipe)), name or recipe_name(recipe))
    settings = changed(tables, {**sections, **({"data": data_settings} if data_settings else {})})
    require_new(Path(out) if out else Path("runs") / (title or "mine"))
    begun = begin(settings, data, recipe=title, seed=seed, devices=devices, listener=_Unheard(listener))
    with TemporaryDirectory() as folder:
        return _measured(begun, Path(folder), listener)


def plan_rest(
    folder: Path | str, data: Data | None = None, *, devices: Devices = ANY_DEVICE, listener: Listener = QUIET
) -> TrainingPlan:
    """Return what the rest of the run in `folder` takes.

    Args:
        folder: Run folder.
        data: New place of the data, if they have moved.
        devices: Devices to train on.
        listener: Shows the progress.

    Raises:
        CPCError: For everything that `resume` refuses, except changed data.
    """
    begun = begin_again(Path(folder), data, devices=devices, listener=_Unheard(listener))
    return _measured(begun, Path(folder), listener, written=begun.record)


def _measured(begun: Begun, folder: Path, listener: Listener, written: RunRecord | None = None) -> TrainingPlan:
    fabric = begun.fabric
    with ending_together(fabric), listener.stage("timing a few updates") as progress:
        prepared = prepare(
            begun.record, _as_it_is, folder, fabric, begun.sources, _Unheard(listener), progress, written=written
        )
        if begun.step >= prepared.record.settings["training"]["steps"]:
            raise CPCError(f"{folder} already has all its updates: nothing is left to plan.")
        found = plan_of(prepared, begun=begun.step)
        pace = _pace(prepared, fabric)
    if not fabric.is_global_zero:
        raise SystemExit(0)
    return replace(found, pace=pace)


def _as_it_is(record: RunRecord, sources: Sources, folder: Path) -> RunRecord:
    return record


def _pace(prepared: Prepared, fabric: Fabric) -> Pace:
    """Time a few updates of the untrained model, which is then thrown away."""
    loss, validate = objective_of(prepared, fabric)
    training = prepared.record.settings["training"]
    prepared.model.to(fabric.device)
    began = perf_counter()
    validate(prepared.model)
    clock = Clock(fabric.device, _ignore, perf_counter() - began)

    def hear(event: str, step: int, metrics: dict[str, object]) -> None:
        clock(event, step, metrics)
        if clock.reported and fabric.world_size == 1:
            raise _Known

    steps = training["steps"] if fabric.world_size == 1 else min(training["steps"], _TOGETHER)
    go = partial(fit, fabric=fabric, on_event=hear, seed=prepared.record.seed)
    try:
        go(prepared.model, loss, prepared.order.draw, **{**training, "steps": steps, "patience": 0})
    except _Known:
        pass
    return clock.pace()


def _ignore(pace: Pace) -> None:
    """Ignore the pace."""
