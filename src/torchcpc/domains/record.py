"""What a domain is: its reader, its words, what stands beside its learned rows, and what is learned before training.

The domains are the only place that knows the names of data (`data.name`). Every other room is handed a record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from torchcpc.contracts import Progress, Sources

Features = Callable[[np.ndarray, int], np.ndarray]
"""(raw rows of a clip, the encoder's stride) -> features of its steps [T, D]."""
Settings = dict[str, dict[str, Any]]


class Learned(NamedTuple):
    """The settings, and the sources, with what was learned from the training sources before the first update."""

    settings: Settings
    sources: Sources


def nothing(settings: Settings, sources: Sources, train: Sequence[int], folder: Path, progress: Progress) -> Learned:
    """Nothing is learned before training."""
    return Learned(settings, sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One kind of data.

    reader: (roots, cache, progress, *, settings) -> Sources; needs_data: whether the reader must be given roots; source, step: the words
    for one source and one step; handmade: features that stand beside the learned rows; learn: what is learned from the training
    sources before the first update.
    """

    name: str
    reader: Callable[..., Sources]
    needs_data: bool = True
    source: str = "recording"
    step: str = "step"
    handmade: Mapping[str, Features] = field(default_factory=dict)
    learn: Callable[[Settings, Sources, Sequence[int], Path, Progress], Learned] = nothing
