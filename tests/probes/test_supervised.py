import math

import numpy as np
import pytest
import torch
from torch import nn

from torchcpc.contracts import CPCError, Layout
from torchcpc.data.arrays import Arrays, Item
from torchcpc.data.clips import wholes
from torchcpc.encoders.vectors import VectorEncoder
from torchcpc.probes import supervised
from torchcpc.probes.classifier import Trained, Updates, answers, cross_entropy, fit_classifier, seeded
from torchcpc.probes.rows import ClipRows, Rows
from torchcpc.probes.supervised import (
    CLASSIFIERS,
    RecordingClassifier,
    StepClassifier,
    labelled_windows,
    supervised_row,
    updates_within,
)
from torchcpc.probes.task import Labels, Task
from torchcpc.runs.build import build, schema
from torchcpc.settings import resolve
from torchcpc.training.schedule import learning_rate as rate_at


class Encoder(nn.Module):
    """Two raw positions a step."""

    layout = Layout()

    def __init__(self):
        super().__init__()
        self.dim, self.layer = 5, nn.Linear(2, 5)

    def forward(self, x_BS):
        return self.layer(x_BS.unflatten(1, (-1, 2))).relu()


class Context(nn.Module):
    dim = 7

    def __init__(self):
        super().__init__()
        self.memory = nn.GRU(5, 7, batch_first=True)

    def forward(self, z_BTD, state=None):
        return self.memory(z_BTD, state)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.context = Encoder(), Context()


def fresh(seed=0):
    return seeded(Model, seed)


def windows(seed, unit, batch=13, steps=11):
    """The label of a step says whether the last two positions were of one sign; that of a recording, whether most were."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(batch, 2 * steps, generator=generator) * 2 - 1
    same = x[:, ::2] * x[:, 1::2] > 0
    valid = torch.arange(steps) < torch.randint(5, steps + 1, (batch, 1), generator=generator)
    if unit == "frame":
        return x, valid, torch.where(valid, same.long(), -1)
    return x, valid, ((same & valid).sum(1) * 2 > valid.sum(1)).long()


def correct(unit, batch, updates, seed=0):
    """Which labelled places of the test are answered rightly by a network that was trained on windows of `batch`."""
    classifier = seeded(lambda: CLASSIFIERS[unit](fresh(seed), 2), seed)
    validation, test = [windows(10**6, unit, 97)], [windows(2 * 10**6 + n, unit, 53) for n in range(2)]
    fit_classifier(classifier, lambda step, rank: windows(step, unit, batch), validation, updates=updates, seed=seed)
    predicted, label = answers(classifier, test)
    np.testing.assert_array_equal(label, np.concatenate([own[own >= 0].numpy() for *_, own in test]))
    return predicted == label


@pytest.mark.parametrize("unit", ["frame", "recording"])
def test_the_network_learns_and_answers_every_labelled_place_in_order(unit):
    assert correct(unit, 32, Updates(200, learning_rate=2e-2, clip=1.0, warmup=50, validate_every=50)).mean() > 0.8


def test_the_mean_is_over_real_steps():
    x, valid, _ = windows(0, "recording")
    classifier = RecordingClassifier(fresh(), 3)
    steps = StepClassifier(fresh(), 3)
    steps.head.load_state_dict(classifier.head.state_dict())
    for scores, scores_TK, row in zip(classifier(x, valid), steps(x, valid), valid, strict=True):
        torch.testing.assert_close(scores, sum(scores_TK[row]) / int(row.sum()))  # the head is linear
    with pytest.raises(CPCError, match="2 recordings of a batch have no real step"):
        classifier(x, valid & (torch.arange(13) >= 2)[:, None])


def test_a_baseline_is_a_function_of_its_seed():
    one, two, other = (correct("frame", 13, Updates(7, warmup=50, validate_every=3), seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("unit", CLASSIFIERS)
def test_the_whole_network_is_trained(unit):
    model = fresh()
    *arguments, label = windows(0, unit)
    cross_entropy(CLASSIFIERS[unit](model, 2), (*arguments, label), torch.Generator())[0].backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_the_loss_is_the_mean_over_labelled_places_in_nats():
    scores = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(0))
    label = torch.full((3, 5), -1)
    label[0, 1], label[2, 4] = 6, 2
    loss, _ = cross_entropy(nn.Identity(), (scores, label), torch.Generator())
    slow = [math.log(sum(math.exp(s) for s in scores[b, t])) - scores[b, t, y] for b, t, y in [(0, 1, 6), (2, 4, 2)]]
    assert loss.item() == pytest.approx(float(sum(slow)) / 2, abs=1e-5)
    weight = torch.tensor([1.0, 1, 3, 1, 1, 1, 0.5])
    loss, _ = cross_entropy(nn.Identity(), (scores, label), torch.Generator(), weight)
    assert loss.item() == pytest.approx(float(0.5 * slow[0] + 3 * slow[1]) / 2, abs=1e-5)
    with pytest.raises(CPCError, match="without a single label"):
        cross_entropy(nn.Identity(), (scores, torch.full((3, 5), -1)), torch.Generator())


def test_the_weights_of_the_best_validation_are_kept():
    """Training that only ever does harm: the first weights that were looked at must come back."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200, 3, generator=generator)
    y = (x[:, 0] > 0).long()
    model, seen = nn.Linear(3, 2), []
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[-1.0, 0, 0], [1, 0, 0]]))
        model.bias.zero_()
    updates = Updates(30, validate_every=10, learning_rate=0.1, schedule="constant")

    def judge(predicted_M, y_M):
        seen.append(float(np.mean(predicted_M == y_M)))
        return seen[-1]

    best = fit_classifier(model, lambda step, rank: (x, 1 - y), [(x, y)], updates=updates, judge=judge)
    assert best.value == max(seen) == seen[0] > seen[-1] and (best.best, best.updates) == (10, 30)
    predicted, label = answers(model, [(x, y)])
    np.testing.assert_array_equal(label, y)
    assert np.mean(predicted == label) == pytest.approx(best.value)


WRITERS = {"train": (30, 1.0), "validation": (40, 0.4), "test": (50, 0.4)}


class Varied(Arrays):
    """Sources whose training windows vary in strength, and that remember how they were read."""

    def __init__(self, *given):
        super().__init__(*given)
        self.calls = []

    def read(self, index, start, count, rng=None):
        self.calls.append((index, rng is not None))
        x = super().read(index, start, count)
        return x if rng is None else x * np.exp(rng.uniform(-0.5, 0.5, size=3)).astype(np.float32)


def labelled():
    """Clips whose label is the sign of a column, clear in training and weak elsewhere, so that training goes too far."""
    generator, arrays, parts, first = np.random.default_rng(0), [], {}, 0
    for part, (count, clear) in WRITERS.items():
        y = np.arange(count) % 2
        arrays += [generator.normal(0, 1, (7, 3)).astype(np.float32) + clear * (2 * k - 1) for k in y]
        parts[part] = [ClipRows(first + n, None, y[[n]]) for n in range(count)]
        first += count
    sources = Varied(arrays, [Item(f"{n}", "") for n in range(first)])
    labels = [Labels(np.concatenate([own.y for own in rows]), np.array([own.clip for own in rows])) for rows in parts.values()]
    return sources, Rows(Task("side", "recording", ("low", "high"), *labels), parts)


CONFIG = {
    "data": {"name": "digits"},
    "encoder": {"name": "vectors", "features": 3, "dim": 5, "hidden": 7},
    "context": {"name": "gru", "dim": 11},
    "predictor": {"name": "bilinear", "count": 2},
}


def config():
    parts = schema()
    return resolve(CONFIG, {part: parts[part] for part in CONFIG})


def heard(monkeypatch, modes):
    """Keep in `modes` whether the encoder is in training mode, by whether it reads training clips or others."""
    forward = VectorEncoder.forward

    def listening(self, x):
        modes.append((len(x), self.training))
        return forward(self, x)

    monkeypatch.setattr(VectorEncoder, "forward", listening)


def test_the_supervised_network_sees_the_variation_of_pre_training_and_only_in_training(monkeypatch):
    """The reader varies what it reads with a generator, and the encoder in training mode. Both must be on, for training alone."""
    sources, rows = labelled()
    modes = []
    heard(monkeypatch, modes)
    supervised_row(config(), wholes(sources), rows, steps=3, seed=0)
    counts = {part: WRITERS[part][0] for part in WRITERS}
    assert {index < counts["train"] for index, with_rng in sources.calls if with_rng} == {True}
    assert {index >= counts["train"] for index, with_rng in sources.calls if not with_rng} == {True}
    assert [training for _, training in modes].count(True) == 3  # one batch for each update
    assert sum(size for size, training in modes if not training) == counts["validation"] + counts["test"]
    assert {size for size, training in modes if training} == {16}


def test_a_varied_window_differs_from_update_to_update_and_follows_from_its_seed():
    sources, rows = labelled()
    clips, train = wholes(sources), rows.clips["train"][:5]
    encoder = build(config(), seed=0).encoder
    plain, one, again, two = (
        labelled_windows(clips, encoder, train, rng and np.random.default_rng(rng))[0] for rng in (None, 1, 1, 2)
    )
    assert torch.equal(one, again) and not torch.equal(one, two) and not torch.equal(one, plain)


def test_the_supervised_network_stops_at_its_best_validation_and_keeps_those_weights(monkeypatch):
    """A loop over all updates, one validation after another, is the witness."""
    sources, rows = labelled()
    monkeypatch.setattr(supervised, "_OFTEN", 2)
    monkeypatch.setattr(supervised, "_VALIDATIONS", 1000)
    monkeypatch.setattr(supervised, "_PATIENCE", 60)
    found = supervised_row(config(), wholes(sources), rows, steps=600, seed=0)
    ((updates, best, seconds),) = found.training
    values, tested = slow_training(wholes(sources), rows, 600)
    stop = next(n for n in range(len(values)) if n - int(np.argmax(values[: n + 1])) >= 60)
    assert best == 2 * (int(np.argmax(values[: stop + 1])) + 1) and updates == 2 * (stop + 1) < 600
    np.testing.assert_array_equal(found.predicted_RM[0], tested[best // 2 - 1])
    assert seconds > 0 and 10 < best < updates
    assert not np.array_equal(tested[best // 2 - 1], tested[updates // 2 - 1]), "the last weights answer otherwise"


def slow_training(clips, rows, steps):
    """The validation accuracy and the test answers after every second update, by a plain loop with Adam."""
    model = build(config(), seed=20_000)
    network = seeded(lambda: RecordingClassifier(model, 2), 0)
    optimizer, values, tested = torch.optim.Adam(network.parameters()), [], []
    train, plan = rows.clips["train"], supervised.schedule(steps)
    whole = {part: labelled_windows(clips, model.encoder, rows.clips[part]) for part in ("validation", "test")}
    for step in range(steps):
        rng = np.random.default_rng((0, step, 0))
        x, valid, y = labelled_windows(clips, model.encoder, [train[n] for n in rng.integers(len(train), size=16)], rng)
        optimizer.param_groups[0]["lr"] = rate_at(step, peak=1e-3, steps=steps, warmup=plan.warmup, schedule="cosine")
        nn.functional.cross_entropy(network(x, valid), y).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 2:
            with torch.no_grad():
                right = network(*whole["validation"][:2]).argmax(1) == whole["validation"][2]
                values.append(right.float().mean().item())
                tested.append(network(*whole["test"][:2]).argmax(1).numpy())
    return values, tested


def test_as_many_updates_are_done_as_the_time_allows(monkeypatch):
    """A clock that only the training moves: each update takes 0.02 s, so 7 s hold 350 of them."""
    sources, rows = labelled()
    monkeypatch.setattr(supervised, "fit_classifier", lambda *_, updates: Trained(0.0, 0, updates.steps, 0.02 * updates.steps))
    assert updates_within(7.0, config(), wholes(sources), rows) == 350
    assert updates_within(7.1499, config(), wholes(sources), rows) == 360  # two digits
    assert updates_within(1e-9, config(), wholes(sources), rows) == 1
