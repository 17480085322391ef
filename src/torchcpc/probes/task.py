"""What is asked of the features (a task: labels in three parts), what is asked about (a matrix for each part), and the answers.

One form for every domain: frames, recordings, images and sentences are all rows. The parts are made by source before anything
is fitted: `train` fits, `validation` selects, `test` is answered once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from torchcpc.contracts import CPCError, check_choice, counted
from torchcpc.statistics.intervals import Confusions

SPLIT_PARTS = ("train", "validation", "test")
Judge = Callable[[np.ndarray, np.ndarray], float]
"""(predicted classes, true classes) -> how good they are, a share."""

# What the validation part is judged by where something is selected.
JUDGES: dict[str, Judge] = {
    "accuracy": lambda predicted_M, y_M: float(np.mean(predicted_M == y_M)),
    "macro-F1": lambda predicted_M, y_M: Confusions.of(predicted_M[None], y_M, np.zeros_like(y_M)).mean,
}


def _balanced(y_M: np.ndarray, classes: int) -> np.ndarray:
    count_K = np.bincount(y_M, minlength=classes)
    return np.where(count_K > 0, count_K.sum() / (np.count_nonzero(count_K) * np.maximum(count_K, 1)), 0.0)


# How much a training row of each class counts: (labels, number of classes) -> weight_K, 1 on average over the rows. The second is what
# scikit-learn calls class_weight="balanced", but among the classes that are there.
CLASS_WEIGHTS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "none": lambda y_M, classes: np.ones(classes),
    "balanced": _balanced,
}


def check_classes(label: str, names: Sequence[str], sources: int) -> None:
    """Raises CPCError for a label of fewer than two classes."""
    if len(names) < 2:
        found = f"{counted(len(names), 'class', 'classes')} in {counted(sources, 'source')}"
        raise CPCError(f"label {label!r}: {found}; a probe needs 2. Check the column name.")


@dataclass(frozen=True, slots=True)
class Labels:
    """One part: the class of each of M rows, and the source (recording, document) that it came from. group_M: a larger unit (speaker,
    subject), if penalties are to be selected by leaving out one group after another. unit_M: what the intervals of a test take for
    independent draws (its new speakers, say), None for the sources."""

    y_M: np.ndarray
    source_M: np.ndarray
    group_M: np.ndarray | None = None
    unit_M: np.ndarray | None = None

    @property
    def independent_M(self) -> np.ndarray:
        """The unit of each row that intervals take for independent."""
        return self.source_M if self.unit_M is None else self.unit_M


@dataclass(frozen=True, slots=True)
class Task:
    """A classification of rows. Raises CPCError where labels are missing or a source is in two parts."""

    label: str  # the question ("digit")
    unit: str  # the row ("frame", "recording")
    names: tuple[str, ...]  # the classes by number
    train: Labels
    validation: Labels
    test: Labels
    # Of JUDGES: "macro-F1" where one class is nearly everything, or what is selected is what always answers it.
    select_by: str = "accuracy"
    class_weight: str = "none"  # of CLASS_WEIGHTS, where something is fitted

    def __post_init__(self) -> None:
        check_choice("class_weight", self.class_weight, CLASS_WEIGHTS)
        check_choice("select_by", self.select_by, JUDGES)
        for part in SPLIT_PARTS:
            y_M, source_M, where = getattr(self, part).y_M, getattr(self, part).source_M, f"task {self.label!r}, {part}"
            if y_M.ndim != 1 or y_M.shape != source_M.shape:
                raise CPCError(f"{where}: labels {y_M.shape} and sources {source_M.shape} must be one number a row.")
            if len(y_M) == 0:
                raise CPCError(f"{where}: the {part} part has no labelled row; change the split or give labels for it.")
            if y_M.min() < 0 or y_M.max() >= self.classes:
                raise CPCError(
                    f"{where}: labels run from {y_M.min()} to {y_M.max()}, classes from 0 to {self.classes - 1}; leave unlabelled "
                    "rows (-1) out first."
                )
        for one, other in combinations(SPLIT_PARTS, 2):
            shared = np.intersect1d(getattr(self, one).source_M, getattr(self, other).source_M)
            if len(shared):
                raise CPCError(
                    f"task {self.label!r}: source {shared[0]} ({len(shared)} such) is in both {one} and {other}; "
                    "a probe may not see a source in two parts: split by source."
                )

    @property
    def classes(self) -> int:
        return len(self.names)

    @property
    def judge(self) -> Judge:
        """How the answers to the validation part are judged."""
        return JUDGES[self.select_by]

    def weight_K(self, y_M: np.ndarray) -> np.ndarray:
        """How much a row of each class counts where these labels are learned from: 1 on average over the rows."""
        return CLASS_WEIGHTS[self.class_weight](y_M, self.classes).astype(np.float32)


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
        for part in SPLIT_PARTS:
            x_MD, rows, where = getattr(self, part), len(getattr(task, part).y_M), f"features {self.name!r}, {part}"
            if x_MD.ndim != 2 or x_MD.shape != (rows, self.dim):
                raise CPCError(
                    f"{where}: shape {x_MD.shape}, but task {task.label!r} has {rows} rows there and the training part has {self.dim} "
                    "columns; embed the same sources in the same order."
                )
            if not np.isfinite(x_MD).all():
                raise CPCError(f"{where}: not all finite; look for a diverged model or a silent recording.")


@dataclass(frozen=True, slots=True)
class Answers:
    """The class that each test row was taken for, and which it is. penalties: the penalty (for networks: the weight decay) selected
    in each fold (a single split is one), of several blocks of features that of the first; None where there is nothing to select."""

    predicted_M: np.ndarray
    y_M: np.ndarray
    penalties: tuple[float | None, ...]

    @property
    def correct_M(self) -> np.ndarray:
        return self.predicted_M == self.y_M
