import math

import numpy as np
import pytest
import torch
from torch import nn

from torchcpc.contracts import CPCError, Layout
from torchcpc.probes.classifier import Updates, answers, cross_entropy, fit_classifier, seeded
from torchcpc.probes.supervised import CLASSIFIERS, RecordingClassifier, StepClassifier


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
    assert best == max(seen) == seen[0] > seen[-1]
    predicted, label = answers(model, [(x, y)])
    np.testing.assert_array_equal(label, y)
    assert np.mean(predicted == label) == pytest.approx(best)
