"""Handmade features of a clip: what one is, and how several that share their first half are computed side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Features = Callable[[np.ndarray, int], np.ndarray]
"""(raw rows of a clip, the encoder's stride) -> features of its steps [T, D]."""


def _same(x_TD: np.ndarray) -> np.ndarray:
    return x_TD


@dataclass(frozen=True, slots=True)
class Derived:
    """Features in two halves. first: the costly one, which several kinds share; then: what this kind makes of it."""

    first: Features
    then: Callable[[np.ndarray], np.ndarray] = _same

    def __call__(self, x: np.ndarray, stride: int) -> np.ndarray:
        return self.then(self.first(x, stride))


def side_by_side(kinds: Sequence[Features], x: np.ndarray, stride: int) -> list[np.ndarray]:
    """Each kind of features of one clip. First halves that are the same are computed once."""
    firsts: dict[Features, np.ndarray] = {}
    made = []
    for kind in kinds:
        # Kinds that share nothing are plain functions: all of them is the first half.
        first, then = getattr(kind, "first", kind), getattr(kind, "then", _same)
        if first not in firsts:
            firsts[first] = first(x, stride)
        made.append(then(firsts[first]))
    return made
