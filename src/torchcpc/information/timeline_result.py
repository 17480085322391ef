"""How expected each step of one source was by what came before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torchcpc.results import Array, SavedResult
from torchcpc.text_table import TextTable


@dataclass(frozen=True, slots=True)
class ShuffledStretch:
    """Steps first .. last - 1 of the same source in a random order: smoothed pmi [K, T], the mean in order and shuffled at each horizon,
    and the standard error of the mean difference."""

    first: int
    last: int
    pmi: Array
    ordered_mean: tuple[float, ...]
    shuffled_mean: tuple[float, ...]
    error: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Timeline(SavedResult):
    """source: its key; unit: the word for a step; smooth: steps that are averaged; mean: PMI at each horizon, nats; pmi [K, T]:
    smoothed, NaN where nothing was predicted; marks: (step, name) of headings."""

    FORMAT: ClassVar[int] = 2

    source: str
    unit: str
    smooth: int
    horizons: tuple[int, ...]
    mean: tuple[float, ...]
    pmi: Array
    marks: tuple[tuple[int, str], ...] = ()
    shuffled: ShuffledStretch | None = None

    def __post_init__(self) -> None:
        shapes = {self.pmi.shape, self.shuffled.pmi.shape if self.shuffled else self.pmi.shape}
        if len(shapes) > 1 or self.pmi.ndim != 2 or len(self.pmi) != len(self.horizons):
            raise ValueError(f"pmi of shape {shapes} for {len(self.horizons)} horizons")

    def records(self) -> Sequence[Mapping[str, object]]:
        return [
            {"step": step, **{f"pmi_{k}": float(value) for k, value in zip(self.horizons, column, strict=True)}}
            for step, column in enumerate(self.pmi.T)
        ]

    def tables(self) -> Sequence[TextTable]:
        rows = [(str(k), f"{mean:.3f}") for k, mean in zip(self.horizons, self.mean, strict=True)]
        header, caption = ("k", "mean PMI"), f"PMI in nats of each {self.unit} of {self.source}, as predicted k steps before"
        if found := self.shuffled:
            header = (*header, "in order", "shuffled", "s.e.")
            costs = zip(found.ordered_mean, found.shuffled_mean, found.error, strict=True)
            rows = [(*row, *(f"{value:.3f}" for value in cost)) for row, cost in zip(rows, costs, strict=True)]
            caption += f"; steps {found.first} to {found.last} in order and shuffled, and the standard error of the difference"
        return [TextTable(header, rows, caption)]
