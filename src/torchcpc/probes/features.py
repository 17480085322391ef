"""The features that a probe compares.

Features are computed when a row first needs them. Their key covers everything that they depend on:

- the content of the clips
- how frames become rows
- the weights and settings of a network, or the name of handmade features

A network embeds the clips once for z and c. Handmade features are computed together.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from torchcpc import __version__
from torchcpc.baselines.words import mean_embedding
from torchcpc.contracts import Sources
from torchcpc.data.clips import Clips
from torchcpc.data.digest import WHOLE_BYTES, digests
from torchcpc.probes.cross_validation import WORD_MEAN
from torchcpc.probes.rows import ClipFeatures, ClipFrames
from torchcpc.probes.seed_features import SeedFeatures
from torchcpc.probes.stored import key_of
from torchcpc.representations.embed import embedded_sources
from torchcpc.runs.build import build
from torchcpc.runs.run import TrainedRun


class Design(Protocol):
    """What features need from a comparison: its clips, and how their frames become rows."""

    @property
    def clips(self) -> Clips:
        """The clips."""
        ...

    @property
    def pooling(self) -> object:
        """How frames become rows, as part of a key."""
        ...

    def gather(self, clips: ClipFrames) -> tuple[ClipFeatures, ...]:
        """Return the rows of several features, whose frames come clip by clip."""
        ...


class Clipped:
    """The clips of a comparison, as networks and handmade features read them.

    Args:
        sources: The sources as they were opened.
        design: The comparison.
    """

    def __init__(self, sources: Sources, design: Design) -> None:
        self.sources, self.design, self.clips = sources, design, design.clips

    @cached_property
    def key(self) -> str:
        """A key of the content of all clips and of how frames become rows."""
        own = self.clips.sources
        content = [*digests(own).values()]
        # The digest of a long file covers only some of its blocks. A new time of writing means that others may have changed.
        times = [_written(item.path) for item in own.items]
        cut = [(content[clip.source], times[clip.source], clip.start, clip.length) for clip in self.clips.items]
        return key_of(__version__, cut, self.design.pooling)

    def read(self, index: int) -> np.ndarray:
        """Return the values of one clip."""
        return self.clips.read(index, 0, self.clips.length(index))


class Network:
    """The z and c of every clip from one network.

    Args:
        clipped: The clips.
        sources: The sources as the network reads them.
        load: Returns the run when it is needed.
        *identity: What distinguishes its weights from others.
    """

    def __init__(self, clipped: Clipped, sources: Sources, load: Callable[[], TrainedRun], *identity: object) -> None:
        self._clipped, self._sources, self._load, self._identity = clipped, sources, load, identity

    def seed(self, name: str, role: str, which: str) -> SeedFeatures:
        """Return its z, c or mean of word embeddings as features of a table."""
        key = key_of(which, name, role, self._clipped.key, *self._identity)
        return SeedFeatures(name, role, key, lambda: self._words if which == WORD_MEAN else self._both[which])

    @cached_property
    def _both(self) -> dict[str, ClipFeatures]:
        run, clips = self._load(), Clips(self._sources, self._clipped.clips.items)
        z, c = self._clipped.design.gather((i, (z, c)) for i, z, c in embedded_sources(run.model, clips, device=run.device))
        return {"z": z, "c": c}

    @cached_property
    def _words(self) -> ClipFeatures:
        table_VE = self._load().model.get_parameter("encoder.embedding.weight").detach().cpu().numpy()
        texts = Clips(self._sources, self._clipped.clips.items)
        return {i: mean_embedding(texts.read(i, 0, texts.length(i)), table_VE)[None] for i in range(len(texts))}


def learned(clipped: Clipped, run: TrainedRun, sources: Sources) -> Network:
    """Return a trained network.

    Args:
        clipped: The clips.
        run: The run.
        sources: The sources as the run reads them.
    """
    weights = run.model.state_dict()
    digest = key_of([(name, value.detach().cpu().reshape(-1).view(torch.uint8).numpy()) for name, value in weights.items()])
    return Network(clipped, sources, lambda: run, digest, settings_key(run))


def untrained(clipped: Clipped, run: TrainedRun, sources: Sources, seed: int) -> Network:
    """Return the same network with random weights.

    No run trains from the seeds used here, so these rows are independent of the learned ones.
    """

    def load() -> TrainedRun:
        return replace(run, model=build(run.config, seed=10_000 + seed).eval().to(run.device))

    return Network(clipped, sources, load, "untrained", seed, torch.__version__, settings_key(run))


def settings_key(run: TrainedRun) -> str:
    """Return a key of the settings that shape a model and what it reads. Files of the run count by content, not by
    place.
    """
    data = dict(run.config["data"])
    files = {name: Path(str(data.pop(name))).read_bytes() for name in run.domain.files if data.get(name)}
    return key_of({**run.config, "data": data}, files)


class Handmade:
    """Several kinds of handmade features of a domain.

    Args:
        clipped: The clips.
        run: The run whose domain has the features.
        names: The kinds of features.
        together: Whether all kinds are computed in one pass through the clips.
    """

    def __init__(self, clipped: Clipped, run: TrainedRun, names: Sequence[str], *, together: bool) -> None:
        self._clipped, self._run, self._names, self._together = clipped, run, names, together
        self._made: dict[str, ClipFeatures] = {}

    def seed(self, name: str) -> SeedFeatures:
        """Return one kind as features of a table."""
        key = key_of(name, "handmade", self._clipped.key, self._run.model.encoder.stride, settings_key(self._run))
        return SeedFeatures(name, "handmade", key, lambda: self._features(name))

    def _features(self, name: str) -> ClipFeatures:
        if name not in self._made:
            names, clips = self._names if self._together else [name], self._clipped.clips
            functions, stride = [self._run.domain.handmade[own] for own in names], self._run.model.encoder.stride

            def sides(index: int) -> list[np.ndarray]:
                x = self._clipped.read(index)
                return [function(x, stride) for function in functions]

            made = self._clipped.design.gather((i, sides(i)) for i in range(len(clips)))
            self._made = dict(zip(names, made, strict=True))  # of frames, only one kind is in memory
        return self._made[name]


def _written(path: Path | None) -> int:
    """Return when a long file was written, in nanoseconds. For a short file, whose digest is complete, it is 0."""
    if path is None:
        return 0
    try:
        status = os.stat(path)
    except OSError:
        return 0  # the next reader reports the error
    return status.st_mtime_ns if status.st_size > WHOLE_BYTES else 0
