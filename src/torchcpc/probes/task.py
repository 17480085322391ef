"""A classification task, the features of its rows, and the answers.

Frames, recordings, pictures and sentences are all rows, in any domain. The split by source is made before anything is
fitted. The part `train` fits, `validation` selects, and `test` is answered once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from torchcpc.contracts import CPCError, check_choice, counted
from torchcpc.statistics.intervals import Confusions

SPLIT_PARTS = ("train", "validation", "test")
Judge = Callable[[np.ndarray, np.ndarray], float]
"""Maps predicted and true classes to a score from 0 to 1."""

# The scores by which something can be selected on the validation part.
JUDGES: dict[str, Judge] = {
    "accuracy": lambda predicted_M, y_M: float(np.mean(predicted_M == y_M)),
    "macro-F1": lambda predicted_M, y_M: Confusions.of(predicted_M[None], y_M, np.zeros_like(y_M)).mean,
}


def _balanced(y_M: np.ndarray, classes: int) -> np.ndarray:
    count_K = np.bincount(y_M, minlength=classes)
    return np.where(count_K > 0, count_K.sum() / (np.count_nonzero(count_K) * np.maximum(count_K, 1)), 0.0)


# The weight of a training row of each class, from the labels and the number of classes. It is 1 on average over the rows.
# "balanced" is class_weight="balanced" of scikit-learn, among the classes that are present.
CLASS_WEIGHTS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "none": lambda y_M, classes: np.ones(classes),
    "balanced": _balanced,
}


def check_classes(label: str, names: Sequence[str], sources: int) -> None:
    """Check that a label has at least two classes.

    Raises:
        CPCError: If it has fewer.
    """
    if len(names) < 2:
        found = f"{counted(len(names), 'class', 'classes')} in {counted(sources, 'source')}"
        raise CPCError(f"label {label!r}: {found}; a probe needs 2. Check the column name.")


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of one part.

    Attributes:
        y_M: The class of each row, [M].
        source_M: The number of each row's source, [M].
        group_M: The number of each row's group, [M], for example its speaker. With groups, each is left out in turn
            to select the penalty.
        unit_M: The independent unit of each test row for intervals, [M]. None: the source.
    """

    y_M: np.ndarray
    source_M: np.ndarray
    group_M: np.ndarray | None = None
    unit_M: np.ndarray | None = None

    @property
    def independent_M(self) -> np.ndarray:
        """The independent unit of each row for intervals."""
        return self.source_M if self.unit_M is None else self.unit_M


@dataclass(frozen=True, slots=True)
class Task:
    """A classification of rows.

    Attributes:
        label: The label that is predicted, for example "digit".
        unit: What a row is, "frame" or "recording".
        names: The classes by number.
        train: The labels that fit.
        validation: The labels that select.
        test: The labels of the test part.
        select_by: What selects the penalty, "accuracy" or "macro-F1". If one class is very frequent, accuracy may
            select a classifier that always answers it.
        class_weight: How training classes are weighted, "none" or "balanced".

    Raises:
        CPCError: If labels are missing, or if a source is in two parts.
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
        """The number of classes."""
        return len(self.names)

    @property
    def judge(self) -> Judge:
        """The score of answers on the validation part."""
        return JUDGES[self.select_by]

    def weight_K(self, y_M: np.ndarray) -> np.ndarray:
        """Return the weight of a training row of each class, 1 on average over the rows."""
        return CLASS_WEIGHTS[self.class_weight](y_M, self.classes).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Features:
    """One kind of features of one seed, for the rows of a task.

    Attributes:
        name: The name of the features.
        train: The features of the training rows, [M, D].
        validation: The features of the validation rows, [M, D].
        test: The features of the test rows, [M, D].
    """

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    @property
    def dim(self) -> int:
        """The number of columns."""
        return self.train.shape[1]

    def check(self, task: Task) -> None:
        """Check that there is a finite row for each label of `task`.

        Raises:
            CPCError: If there is not.
        """
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
    """The answers on the test part.

    Attributes:
        predicted_M: The predicted class of each test row, [M].
        y_M: The true class, [M].
        penalties: The selected penalty of each fold, and for networks the weight decay. With several blocks of
            features, it is that of the first. None: nothing was selected.
    """

    predicted_M: np.ndarray
    y_M: np.ndarray
    penalties: tuple[float | None, ...]

    @property
    def correct_M(self) -> np.ndarray:
        """Which test rows are answered correctly, [M] bool."""
        return self.predicted_M == self.y_M
