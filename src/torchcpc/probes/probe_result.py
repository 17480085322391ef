"""What a probe found, and rows of a table made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.statistics.intervals import Hits


@dataclass(frozen=True, slots=True)
class Score:
    """The class that each test row was taken for, whether that was correct, and the penalty (for networks: the weight decay) that
    was chosen, if there is one."""

    predicted_M: np.ndarray
    correct_M: np.ndarray
    penalty: float | None

    @classmethod
    def of(cls, predicted_M: np.ndarray, y_M: np.ndarray, penalty: float | None) -> Score:
        return cls(predicted_M, predicted_M == y_M, penalty)


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of features under one probe, over the seeds of the model (or of the probe) that made it: a row of a table."""

    features: str
    probe: str
    dim: int | None
    correct_RM: np.ndarray
    source_M: np.ndarray
    penalties: tuple[float | None, ...]
    predicted_RM: np.ndarray | None = None
    """None where only right and wrong are known: then there is no macro-F1."""

    @classmethod
    def of(cls, scores: Sequence[Score], *, features: str, probe: str, dim: int | None, source_M: np.ndarray) -> Row:
        if not scores:
            raise CPCError(f"features {features!r}, probe {probe!r}: no score; give the features of at least one seed.")
        correct_RM = np.stack([score.correct_M for score in scores])
        penalties = tuple(score.penalty for score in scores)
        return cls(features, probe, dim, correct_RM, source_M, penalties, np.stack([score.predicted_M for score in scores]))

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Test accuracy of each seed."""
        return tuple(float(accuracy) for accuracy in self.correct_RM.mean(axis=1))

    @property
    def hits(self) -> Hits:
        return Hits.of(self.correct_RM, self.source_M)
