"""The same network trained on the labels from end to end: "supervised, same network" of Table 1 in arXiv:1807.03748.

Encoder and context come from a fresh model. A linear layer reads c_t. If a label belongs to a whole recording, the
layer reads the mean of c_t over its real steps.

The comparison with CPC is fair in three ways. The input is varied as in pre-training: by the reader, and by the encoder
in training mode. The validation part is measured regularly, the training stops when it no longer improves, and the best
weights are kept. And the network may train for as long as CPC did, see `updates_within`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from torchcpc.contracts import CPCError, Encoder, Model
from torchcpc.data.clips import Clips
from torchcpc.data.windows import cut
from torchcpc.probes.classifier import Trained, Updates, answers, fit_classifier, seeded
from torchcpc.probes.linear import label_draws
from torchcpc.probes.rows import ClipRows, Rows
from torchcpc.probes.table import Point, ProbeRow, curve
from torchcpc.probes.task import Answers
from torchcpc.runs.build import build
from torchcpc.settings import Settings

NAME, ROLE = "same network", "supervised"
# The way of training, as part of the key of a saved row. Change it with the training.
SUPERVISED = "supervised, stopped early"
LabelledWindows = tuple[Tensor, Tensor, Tensor]
"""The input [B, S, ...], which steps are real [B, T], and int64 labels: [B, T] for steps, [B] for recordings. -1 means no label."""
# The clips in a batch.
_BATCH = 16
# The validations of a training. It stops after half of them without a new best.
_VALIDATIONS, _PATIENCE = 40, 20
_OFTEN = 25  # the fewest updates between two of them
# The fewest and the most updates that measure the pace. They take about a second.
_TIMED = (10, 200)


def schedule(steps: int) -> Updates:
    """Return how the network is trained within `steps` updates."""
    # A recurrent context that is trained on labels alone sometimes takes too large a step, so gradients are clipped.
    every = max(_OFTEN, steps // _VALIDATIONS)
    return Updates(steps, clip=1.0, warmup=50, validate_every=every, patience=_PATIENCE)


class StepClassifier(nn.Module):
    """A linear layer on every c_t.

    Args:
        model: The model whose encoder and context are trained.
        classes: The number of classes.
    """

    def __init__(self, model: Model, classes: int) -> None:
        super().__init__()
        self.encoder, self.context = model.encoder, model.context
        self.head = nn.Linear(model.context.dim, classes)

    def forward(self, x: Tensor, valid_BT: Tensor) -> Tensor:
        """Return the scores of each step, [B, T, classes].

        Args:
            x: The input, [B, S, ...].
            valid_BT: Not used.
        """
        c_BTC, _ = self.context(self.encoder(x))
        return self.head(c_BTC)


class RecordingClassifier(StepClassifier):
    """A linear layer on the mean of c_t over the real steps of all sequences of a window."""

    def forward(self, x: Tensor, valid_BT: Tensor) -> Tensor:
        """Return the scores of each window, [windows, classes].

        Args:
            x: The input, [B, S, ...].
            valid_BT: Which steps are real, [B, T].

        Raises:
            CPCError: If a window has no real step.
        """
        sequences = self.encoder.layout.sequences
        c_BTC = self.context(self.encoder(x))[0].unflatten(0, (-1, sequences)).flatten(1, 2)
        valid_BT = valid_BT.unflatten(0, (-1, sequences)).flatten(1, 2)
        count_B = valid_BT.sum(dim=1)
        if not bool(count_B.all()):
            raise CPCError(f"{int((count_B == 0).sum())} recordings of a batch have no real step to average: leave them out.")
        return self.head((c_BTC * valid_BT[..., None]).sum(dim=1) / count_B[:, None])


# The classifier for each unit of a Task.
CLASSIFIERS: dict[str, Callable[[Model, int], StepClassifier]] = {"frame": StepClassifier, "recording": RecordingClassifier}


def labelled_windows(
    clips: Clips, encoder: Encoder, chosen: Sequence[ClipRows], rng: np.random.Generator | None = None
) -> LabelledWindows:
    """Return whole clips as raw input, with their labels.

    Args:
        clips: The clips.
        encoder: The encoder.
        chosen: The rows of the chosen clips.
        rng: Varies the input as in pre-training. None: no variation.
    """
    indices = [rows.clip for rows in chosen]
    window = cut(clips, indices, [0] * len(indices), max(map(clips.length, indices)), rng)
    valid_BT = encoder.steps(window).valid
    if chosen[0].steps is None:
        return window.x, valid_BT, torch.tensor([int(rows.y[0]) for rows in chosen])
    labels_BT = torch.full(valid_BT.shape, -1)
    for labels_T, rows in zip(labels_BT, chosen, strict=True):
        assert rows.steps is not None  # either all clips of a task are whole rows, or none is
        labels_T[torch.from_numpy(rows.steps)] = torch.from_numpy(rows.y)
    return window.x, valid_BT, labels_BT


def updates_within(seconds: float, config: Settings, clips: Clips, rows: Rows) -> int:
    """Return how many updates take some seconds on this machine.

    A few updates of a network that is thrown away are timed. The number has two significant digits, and is at least 1.

    Args:
        seconds: The time for all updates.
        config: The settings of the run.
        clips: The clips.
        rows: The task and its rows.
    """
    network, draw = _network(config, clips, rows, rows.clips["train"], 0)

    def pace(steps: int) -> float:
        return fit_classifier(network, draw, [draw(0, 0)], updates=Updates(steps)).seconds / steps

    first = pace(_TIMED[0])  # also loads what the first update needs
    timed = pace(int(np.clip(1 / first, *_TIMED)))
    return max(1, int(float(f"{seconds / timed:.1e}")))


def supervised_row(config: Settings, clips: Clips, rows: Rows, *, steps: int, seed: int) -> ProbeRow:
    """Train the network on all labels from one seed, and return its row."""
    answers, trained = _trained(config, clips, rows, rows.clips["train"], seed=seed, steps=steps)
    row = ProbeRow.of([answers], NAME, ROLE, "supervised", None, rows.task.test)
    return replace(row, training=((trained.updates, trained.best, trained.seconds),))


def supervised_points(
    config: Settings, clips: Clips, rows: Rows, *, all_labels: ProbeRow, points: Sequence[int], steps: int, seed: int
) -> list[Point]:
    """Return the label-efficiency curve of the supervised network for one seed.

    At each point it learns from the same draw of labels of whole sources as the other rows. The weights are selected
    on the whole validation part, whose labels are not counted. So the curve favours this row.

    Args:
        config: The settings of the run.
        clips: The clips.
        rows: The task and its rows.
        all_labels: The row from all labels.
        points: The labels per class at each point.
        steps: The number of updates.
        seed: The seed.
    """

    def correct_RM(per_class: int) -> np.ndarray:
        drawn = label_draws(rows.task.train, per_class=per_class, draws=seed + 1)[seed]
        train = [rows.clips["train"][place] for place in drawn]
        return _trained(config, clips, rows, train, seed=seed, steps=steps)[0].correct_M[None]

    return curve(all_labels, rows.task, points, correct_RM)


def _network(
    config: Settings, clips: Clips, rows: Rows, train: Sequence[ClipRows], seed: int
) -> tuple[StepClassifier, Callable[[int, int], LabelledWindows]]:
    """Return a fresh network and a function that draws its batches from the clips of `train`, varied as in pre-training."""
    model, task = build(config, seed=20_000 + seed), rows.task

    def draw(step: int, rank: int) -> LabelledWindows:
        rng = np.random.default_rng((seed, step, rank))
        return labelled_windows(clips, model.encoder, [train[n] for n in rng.integers(len(train), size=_BATCH)], rng)

    return seeded(lambda: CLASSIFIERS[task.unit](model, task.classes), seed), draw


def _trained(
    config: Settings, clips: Clips, rows: Rows, train: Sequence[ClipRows], *, seed: int, steps: int
) -> tuple[Answers, Trained]:
    """Train one network on the clips of `train`, and answer the test part once."""
    task, (classifier, draw) = rows.task, _network(config, clips, rows, train, seed)
    windows = partial(labelled_windows, clips, classifier.encoder)
    parts = (rows.clips["validation"], rows.clips["test"])
    validation, test = ([windows(own[n : n + _BATCH]) for n in range(0, len(own), _BATCH)] for own in parts)
    weight_K = task.weight_K(np.concatenate([own.y for own in train]))
    settings = {"updates": schedule(steps), "judge": task.judge, "weight_K": weight_K, "seed": seed}
    trained = fit_classifier(classifier, draw, validation, **settings)
    return Answers(*answers(classifier, test), (None,)), trained
