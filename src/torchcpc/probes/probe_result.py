"""What a probe answered, and rows of a table made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.probes.task import Labels
from torchcpc.statistics.intervals import Hits
from torchcpc.statistics.macro_f1 import Confusions

Penalty = float | None


@dataclass(frozen=True, slots=True)
class Answers:
    """The class that each test row was taken for, and which it is.

    penalties: the penalty (for networks: the weight decay) selected in each fold, in the only one of a single split; None where there is
    nothing to select. Of several blocks of features it is that of the first.
    """

    predicted_M: np.ndarray
    y_M: np.ndarray
    penalties: tuple[Penalty, ...]

    @property
    def correct_M(self) -> np.ndarray:
        return self.predicted_M == self.y_M


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One kind of features under one probe, over the seeds of the model (or of the probe) that made it: a row of a table.

    role: "cpc", "untrained", "handmade" or "supervised"; added_to: the features beside which these CPC features stand; predicted_RM:
    the answers of each seed to the rows of `test`; penalties: of each seed, or of each fold of each.
    """

    features: str
    role: str
    probe: str
    dim: int | None
    predicted_RM: np.ndarray
    test: Labels
    penalties: tuple[Penalty, ...]
    added_to: str = ""

    @classmethod
    def of(
        cls,
        answers: Sequence[Answers],
        *,
        features: str,
        role: str,
        probe: str,
        dim: int | None,
        test: Labels,
        added_to: str = "",
    ) -> ProbeRow:
        if not answers:
            raise CPCError(f"features {features!r}, probe {probe!r}: no answers; give the features of at least one seed.")
        predicted_RM = np.stack([each.predicted_M for each in answers])
        penalties = tuple(penalty for each in answers for penalty in each.penalties)
        return cls(features, role, probe, dim, predicted_RM, test, penalties, added_to)

    @property
    def correct_RM(self) -> np.ndarray:
        return self.predicted_RM == self.test.y_M

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Test accuracy of each seed."""
        return tuple(float(accuracy) for accuracy in self.correct_RM.mean(axis=1))

    @property
    def hits(self) -> Hits:
        return Hits.of(self.correct_RM, self.test.source_M)

    @property
    def confusions(self) -> Confusions:
        return Confusions.of(self.predicted_RM, self.test.y_M, self.test.source_M)


@dataclass(frozen=True, slots=True)
class Point:
    """One point of an efficiency curve: the test answers of every seed and draw, as hits by source. labels_per_class is None where all
    were used."""

    features: str
    role: str
    labels_per_class: int | None
    hits: Hits
