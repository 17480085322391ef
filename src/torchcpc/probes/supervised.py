"""The supervised baseline: the very encoder and context of the CPC model, from fresh weights, trained on the labels from end to
end ("supervised, same network" of Table 1 in arXiv:1807.03748).

It learns from the labels of the training part alone and keeps the weights that the validation part judges best, as the probes do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor, nn

from torchcpc.contracts import CPCError, Model
from torchcpc.probes.classifier import Updates, answers, fit_classifier, seeded
from torchcpc.probes.probe_result import Answers
from torchcpc.probes.task import JUDGES, Judge

LabelledWindows = tuple[Tensor, Tensor, Tensor]
"""x [B, S, ...]; valid_BT bool, which steps are real; labels int64: [B, T] for steps or [B] for recordings, -1 where there is
none."""


class StepClassifier(nn.Module):
    """A linear layer on every c_t: model(x), valid_BT -> scores [B, T, classes]."""

    def __init__(self, model: Model, classes: int) -> None:
        super().__init__()
        self.encoder, self.context = model.encoder, model.context
        self.head = nn.Linear(model.context.dim, classes)

    def forward(self, x: Tensor, valid_BT: Tensor) -> Tensor:
        c_BTC, _ = self.context(self.encoder(x))
        return self.head(c_BTC)


class RecordingClassifier(StepClassifier):
    """A linear layer on the mean of c_t over the real steps of all sequences of a window: model(x), valid_BT -> [windows, classes]."""

    def forward(self, x: Tensor, valid_BT: Tensor) -> Tensor:
        sequences = self.encoder.layout.sequences
        c_BTC = self.context(self.encoder(x))[0].unflatten(0, (-1, sequences)).flatten(1, 2)
        valid_BT = valid_BT.unflatten(0, (-1, sequences)).flatten(1, 2)
        count_B = valid_BT.sum(dim=1)
        if not bool(count_B.all()):
            raise CPCError(f"{int((count_B == 0).sum())} recordings of a batch have no real step to average: leave them out.")
        return self.head((c_BTC * valid_BT[..., None]).sum(dim=1) / count_B[:, None])


# What one label speaks about; the names are the units of a Task.
CLASSIFIERS: dict[str, Callable[[Model, int], nn.Module]] = {"frame": StepClassifier, "recording": RecordingClassifier}


def supervised(
    model: Model,
    draw: Callable[[int, int], LabelledWindows],
    validation: Sequence[LabelledWindows],
    test: Sequence[LabelledWindows],
    *,
    unit: str,
    classes: int,
    updates: Updates,
    judge: Judge = JUDGES["accuracy"],
    weight_K: np.ndarray | None = None,
    seed: int = 0,
) -> Answers:
    """Trains `model.encoder` and `model.context` (a fresh model's: they are changed in place) with a linear head and answers
    the test part once.

    draw(step, rank): labelled windows as a pure function; validation and test: all windows of those parts, in order; the
    answers are the labelled places of `test` in that order, which is that of the task's rows if its sources come in the same
    order. weight_K: how much each class counts (None: all alike).
    """
    if unit not in CLASSIFIERS:
        raise CPCError(f"unit {unit!r} is unknown; choose one of {', '.join(CLASSIFIERS)}.")
    classifier = seeded(lambda: CLASSIFIERS[unit](model, classes), seed)
    fit_classifier(classifier, draw, validation, updates=updates, judge=judge, weight_K=weight_K, seed=seed)
    predicted_M, label_M = answers(classifier, test)
    return Answers(predicted_M.cpu().numpy(), label_M.cpu().numpy(), (None,))
