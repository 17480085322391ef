"""What is asked of the features (a task: labels in three parts) and what is asked about (features: a matrix for each part).

One form for every domain: frames, recordings, images and sentences are all rows. The parts are made by source before anything
is fitted: `train` fits, `validation` selects, `test` is answered once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.statistics.macro_f1 import Confusions

PARTS = ("train", "validation", "test")
Judge = Callable[[np.ndarray, np.ndarray], float]
"""(predicted classes, true classes) -> how good they are, a share."""

# What the validation part is judged by where something is selected.
JUDGES: dict[str, Judge] = {
    "accuracy": lambda predicted_M, y_M: float(np.mean(predicted_M == y_M)),
    "macro-F1": lambda predicted_M, y_M: Confusions.of(predicted_M[None], y_M, np.zeros_like(y_M)).mean,
}

# How much a training row of each class counts: (labels, number of classes) -> weight_K, 1 on average over the rows. The second is what
# scikit-learn calls class_weight="balanced", but among the classes that are there.
CLASS_WEIGHTS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "none": lambda y_M, classes: np.ones(classes),
    "balanced": lambda y_M, classes: _balanced(np.bincount(y_M, minlength=classes)),
}


def _balanced(count_K: np.ndarray) -> np.ndarray:
    return np.where(count_K > 0, count_K.sum() / (np.count_nonzero(count_K) * np.maximum(count_K, 1)), 0.0)


def check_choice(name: str, value: str, choices: Mapping[str, object]) -> None:
    """Raises CPCError for a value that is none of the choices."""
    if value not in choices:
        raise CPCError(f"{name} = {value!r} is unknown. Choose one of {', '.join(choices)}.")


@dataclass(frozen=True, slots=True)
class Labels:
    """One part: the class y_M of each of M rows, and source_M, the independent thing (recording, document, subject) it came
    from.

    Intervals resample sources, so give rows that share their noise one source number. group_M: a larger unit (speaker, subject)
    that the test is new in, if penalties are to be selected by leaving out one group after another.
    """

    y_M: np.ndarray
    source_M: np.ndarray
    group_M: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A classification of rows. Raises CPCError where labels are missing or a source is in two parts.

    label: the question ("digit"); unit: the row ("frame", "recording"); names: the classes by number; select_by (of JUDGES): what the
    validation part is judged by, "macro-F1" where one class is nearly everything, or what is selected is what always answers it;
    class_weight (of CLASS_WEIGHTS): how much the rows of each class count where something is fitted.
    """

    label: str
    unit: str
    names: tuple[str, ...]
    train: Labels
    validation: Labels
    test: Labels
    select_by: str = "accuracy"
    class_weight: str = "none"

    def __post_init__(self) -> None:
        check_choice("class_weight", self.class_weight, CLASS_WEIGHTS)
        check_choice("select_by", self.select_by, JUDGES)
        for part in PARTS:
            self._check(part, getattr(self, part))
        for i, one in enumerate(PARTS):
            for other in PARTS[i + 1 :]:
                shared = np.intersect1d(getattr(self, one).source_M, getattr(self, other).source_M)
                if len(shared):
                    raise CPCError(
                        f"task {self.label!r}: source {shared[0]} ({len(shared)} such) is in both {one} and {other}; "
                        "a probe may not see a source in two parts: split by source."
                    )

    def _check(self, part: str, labels: Labels) -> None:
        y_M, source_M = labels.y_M, labels.source_M
        if y_M.ndim != 1 or y_M.shape != source_M.shape:
            raise CPCError(
                f"task {self.label!r}, {part}: labels {y_M.shape} and sources {source_M.shape} must be one number a row."
            )
        if len(y_M) == 0:
            raise CPCError(f"task {self.label!r}: the {part} part has no labelled row; change the split or give labels for it.")
        if y_M.min() < 0 or y_M.max() >= self.classes:
            raise CPCError(
                f"task {self.label!r}, {part}: labels run from {y_M.min()} to {y_M.max()}, classes from 0 to "
                f"{self.classes - 1}; leave unlabelled rows (-1) out first."
            )

    @property
    def classes(self) -> int:
        return len(self.names)

    def weight_K(self, y_M: np.ndarray) -> np.ndarray:
        """How much a row of each class counts where these labels are learned from: 1 on average over the rows."""
        return CLASS_WEIGHTS[self.class_weight](y_M, self.classes).astype(np.float32)

    @property
    def judge(self) -> Judge:
        """How the answers to the validation part are judged."""
        return JUDGES[self.select_by]


@dataclass(frozen=True, slots=True)
class Features:
    """One kind of features (of one seed) for the rows of a task: a matrix [M, D] for each part."""

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    @property
    def dim(self) -> int:
        return self.train.shape[1]

    def check(self, task: Task) -> None:
        """Raises CPCError where these are not finite matrices with a row for each label of `task`."""
        for part in PARTS:
            x_MD, rows = getattr(self, part), len(getattr(task, part).y_M)
            if x_MD.ndim != 2 or x_MD.shape != (rows, self.dim):
                raise CPCError(
                    f"features {self.name!r}, {part}: shape {x_MD.shape}, but task {task.label!r} has {rows} rows there and "
                    f"the training part has {self.dim} columns; embed the same sources in the same order."
                )
            if not np.isfinite(x_MD).all():
                raise CPCError(
                    f"features {self.name!r}, {part}: not all finite; look for a diverged model or a silent recording."
                )
