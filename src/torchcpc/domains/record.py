"""What a domain is. The domains alone know the names of data (`data.name`); every other room is handed a record."""

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
    """What the speed of a training is told in: words such as "seconds of audio", and how many raw positions make one."""

    words: str
    positions: float


def learn_scale(settings: Settings, train: Sources, folder: Path, progress: Progress) -> Settings:
    """The settings with the mean and scale of every channel, where the encoder has such settings and they are still empty."""
    encoder = settings["encoder"]
    if encoder.get("scale", True):
        return settings
    mean, scale = channel_scale(train)
    return {**settings, "encoder": {**encoder, "mean": mean, "scale": scale}}


def doubts_of_channels(settings: Settings, train: Sources) -> list[Skipped]:
    """Channels without a scale, which are not read, and values far from all others."""
    unread = [str(number) for number, spread in enumerate(settings["encoder"].get("scale") or ()) if not spread]
    said = "constant or missing in all training sources, and not read"
    notes = [Skipped(f"{'channel' if len(unread) == 1 else 'channels'} {', '.join(unread)} (from 0)", said)] if unread else []
    return [*notes, *far_values(train)]


class Shape(NamedTuple):
    """What the settings of [data] say of every source. row: shape of one position; positions: how many there are; None where the data
    decide. settings: those that say it."""

    row: tuple[int, ...] | None = None
    positions: int | None = None
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One kind of data.

    reader: (roots, cache, progress, *, settings) -> Sources; needs_data: whether it must be given roots; source, step: the words for one
    source and one step; handmade: features that stand beside the learned rows; files: setting of [data] -> the file of a run that it names;
    learn: (settings, training sources, run folder, progress) -> the settings with what is learned before the first update; as_read: ([data]
    settings of a model, sources) -> the sources as that model takes them; doubts: (settings, sources as a model takes them) -> what in
    them is implausible, or is not read; boundary_rate: boundaries per second to expect of data without labels, None where no rate
    is usual; unit: (settings, sources) -> the unit of training speed; truth: ([data] settings, marginal) -> the process, if known;
    shape: ([data] settings) -> what they say of every source before it is looked for.
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
