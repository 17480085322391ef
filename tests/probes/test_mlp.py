import dataclasses

import numpy as np
import pytest
import torch

from torchcpc.contracts import CPCError
from torchcpc.probes import classifier
from torchcpc.probes.classifier import Trained, Updates, mlp_probe
from torchcpc.probes.linear import linear_probe
from torchcpc.probes.task import Features, Labels, Task

from .worlds import gaussian_classes

SHORT = {"updates": Updates(120, validate_every=30), "batch": 64, "width": 31}


@pytest.fixture(scope="module")
def exclusive_or():
    """Two classes that no line separates: the sign of a product."""
    generator = np.random.default_rng(0)
    x = generator.uniform(-1, 1, size=(1100, 2)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    parts = {"train": slice(0, 600), "validation": slice(600, 800), "test": slice(800, 1100)}
    labels = {part: Labels(y[rows], np.arange(1100)[rows]) for part, rows in parts.items()}
    task = Task("sign", "row", ("minus", "plus"), **labels)
    return task, Features("points", **{part: x[rows] for part, rows in parts.items()})


def test_what_no_line_separates_is_read_by_the_mlp_alone(exclusive_or):
    task, features = exclusive_or
    assert linear_probe(features, task).correct_M.mean() < 0.65
    found = mlp_probe(features, task, **(SHORT | {"updates": Updates(400, learning_rate=1e-2, validate_every=30)}))
    assert found.correct_M.shape == (300,)
    assert found.correct_M.mean() > 0.93
    assert found.penalties[0] in (1e-2, 1e-3, 1e-4)


def test_a_probe_is_a_function_of_its_seed_and_leaves_torchs_generator_alone(exclusive_or):
    task, features = exclusive_or
    before = torch.get_rng_state()
    one, two = (mlp_probe(features, task, weight_decays=[1e-3], **SHORT) for _ in range(2))
    np.testing.assert_array_equal(one.correct_M, two.correct_M)
    assert torch.equal(before, torch.get_rng_state())
    other = mlp_probe(features, task, weight_decays=[1e-3], seed=1, **SHORT)
    assert not np.array_equal(one.correct_M, other.correct_M)


def test_validation_chooses_a_decay_that_lets_the_probe_learn():
    task, features = gaussian_classes()
    assert mlp_probe(features, task, weight_decays=[1e-3, 100.0], **SHORT).penalties == (1e-3,)


@pytest.mark.parametrize("middle, chosen", [(0.9, 1e-3), (0.7, 1e-2), (0.6, 1e-2)])
def test_the_decay_of_the_highest_validation_accuracy_is_kept_the_stronger_of_equals(monkeypatch, middle, chosen):
    accuracy = {1e-2: 0.7, 1e-3: middle, 1e-4: 0.5}
    monkeypatch.setattr(
        classifier, "fit_classifier", lambda *_, updates, **_s: Trained(accuracy[updates.weight_decay], 1, 1, 0.0)
    )
    assert mlp_probe(*reversed(gaussian_classes()), weight_decays=[1e-4, 1e-2, 1e-3]).penalties == (chosen,)


def test_test_labels_have_no_say():
    task, features = gaussian_classes(spread=0.5)
    other = dataclasses.replace(task, test=Labels((task.test.y_M + 1) % 3, task.test.source_M))
    one, two = mlp_probe(features, task, **SHORT), mlp_probe(features, other, **SHORT)
    assert one.penalties == two.penalties
    assert not np.any(one.correct_M & two.correct_M)


def test_faults_are_named():
    task, features = gaussian_classes()
    with pytest.raises(CPCError, match="width = 0"):
        mlp_probe(features, task, width=0)
