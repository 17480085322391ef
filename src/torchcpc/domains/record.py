"""The record of a domain. Only this room knows the names of data (`data.name`). Every other room gets a record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from torchcpc.baselines.features import Features
from torchcpc.contracts import Progress, Skipped, Sources
from torchcpc.data.plausible import far_values
from torchcpc.data.scaling import channel_scale
from torchcpc.data.synthetic import Process
from torchcpc.settings import Settings

DataSettings = Mapping[str, Any]
"""The resolved [data] section of a recipe."""


class Unit(NamedTuple):
    """The unit of training speed.

    Attributes:
        words: The unit in words, such as "seconds of audio".
        positions: Raw positions per unit.
    """

    words: str
    positions: float


def learn_scale(settings: Settings, train: Sources, folder: Path, progress: Progress) -> Settings:
    """Return the settings with the mean and scale of every channel, if the encoder has such settings and they are empty."""
    encoder = settings["encoder"]
    if encoder.get("scale", True):
        return settings
    mean, scale = channel_scale(train)
    return {**settings, "encoder": {**encoder, "mean": mean, "scale": scale}}


def doubts_of_channels(settings: Settings, train: Sources) -> list[Skipped]:
    """Return notes on channels that are not read, because they have no scale, and on values far from all others."""
    unread = [str(number) for number, spread in enumerate(settings["encoder"].get("scale") or ()) if not spread]
    said = "constant or missing in all training sources, and not read"
    notes = [Skipped(f"{'channel' if len(unread) == 1 else 'channels'} {', '.join(unread)} (from 0)", said)] if unread else []
    return [*notes, *far_values(train)]


class Shape(NamedTuple):
    """What the [data] settings fix about every source, before data are read.

    Attributes:
        row: The shape of one position. None where the data decide.
        positions: The number of positions. None where the data decide.
        settings: The settings that fix them.
    """

    row: tuple[int, ...] | None = None
    positions: int | None = None
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One kind of data, such as audio, series or text.

    Attributes:
        name: The name, `data.name` in a recipe.
        reader: A function (roots, cache, progress, *, settings) that returns sources.
        needs_data: Whether the reader needs roots.
        source: The word for one source.
        step: The word for one step.
        sound: Whether sources are sound that can be played.
        handmade: Handmade features by name. They are baselines for the learned features.
        files: A [data] setting -> the file of a run that it names.
        learn: A function (settings, training sources, run folder, progress) that returns the settings with what is
            learned before the first update.
        as_read: A function ([data] settings of a model, sources) that returns the sources as that model reads them.
        doubts: A function (settings, sources) that returns notes on implausible values and unread channels.
        boundary_rate: Boundaries per second to expect without labels. None if no rate is usual.
        unit: A function (settings, sources) that returns the unit of training speed.
        truth: A function ([data] settings, marginal) that returns the process that made the data, if it is known.
        shape: A function ([data] settings) that returns the shape of every source, as far as settings fix it.
    """

    name: str
    reader: Callable[..., Sources]
    needs_data: bool = True
    source: str = "recording"
    step: str = "step"
    sound: bool = False
    handmade: Mapping[str, Features] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    learn: Callable[[Settings, Sources, Path, Progress], Settings] = learn_scale
    as_read: Callable[[DataSettings, Sources], Sources] = lambda data, sources: sources
    doubts: Callable[[Settings, Sources], list[Skipped]] = lambda settings, sources: []
    boundary_rate: float | None = None
    unit: Callable[[Settings, Sources], Unit] = lambda settings, sources: Unit("rows", 1.0)
    truth: Callable[[DataSettings, str], Process | None] = lambda data, marginal: None
    shape: Callable[[DataSettings], Shape] = lambda data: Shape()
