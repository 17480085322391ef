"""Representations in memory, with what names and labels their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torchcpc.results import Array, SavedResult
from torchcpc.text_table import TextTable


@dataclass(frozen=True, slots=True)
class Embedding(SavedResult):
    """A row a step, or a row a source (per = "source", means over its steps): z [M, D], c [M, C], and of each row its source's key, its
    sequence (which of a picture's columns; -1 for a whole source), its step (-1 for a whole source) and the time at which it begins
    (seconds; positions where the data have no clock). labels: label column -> one label a row."""

    FORMAT: ClassVar[int] = 1

    per: str
    z: Array
    c: Array
    keys: tuple[str, ...]
    sequence: Array
    step: Array
    time_s: Array
    labels: Mapping[str, tuple[str, ...]]

    def records(self) -> Sequence[Mapping[str, object]]:
        raise AssertionError("not written yet")

    def tables(self) -> Sequence[TextTable]:
        raise AssertionError("not written yet")
