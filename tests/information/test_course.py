"""The course of a source against a loop, its smoothing, and a stretch in another order."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from torchcpc.contracts import CPCError
from torchcpc.data import Arrays, Item
from torchcpc.data.shuffled import Shuffled
from torchcpc.information.course import Course, course, smooth, stretch
from torchcpc.information.scoring import Steps
from torchcpc.scores.bilinear import Bilinear
from torchcpc.scores.calibration import Sample


def test_each_step_bears_the_score_that_was_given_to_it() -> None:
    torch.manual_seed(0)
    predictor = Bilinear(3, 5, count=2)
    model = SimpleNamespace(predictor=predictor)
    z, c = torch.randn(13, 5), torch.randn(13, 3)
    sample = Sample(torch.randn(211, 5), torch.arange(211) % 7 + 1, torch.zeros(211, dtype=torch.int64))
    found = course(model, sample, Steps(0, 0, z, c), 0)
    assert found.horizons == (1, 2) and found.pmi_KT.shape == (2, 13)
    for row, k in enumerate((1, 2)):
        assert np.isnan(found.pmi_KT[row, :k]).all()
        for t in range(k, 13):
            p = predictor.weight[row] @ c[t - k]
            expected = (p @ z[t] - sample(p.view(1, 1, -1))[0, 0]).item()
            assert found.pmi_KT[row, t] == pytest.approx(expected, abs=1e-5)
    with pytest.raises(CPCError, match="1 steps: too few"):
        course(model, sample, Steps(0, 0, z[:1], c[:1]), 0)


@pytest.mark.parametrize("width", [1, 4, 7, 101])
def test_smoothing_is_a_mean_of_neighbours(width: int) -> None:
    value = np.random.default_rng(0).normal(size=(2, 23))
    value[0, :3] = np.nan
    found = smooth(value, width)
    for row in range(2):
        for t in range(23):
            own = value[row, max(0, t - (width - 1) // 2) : t + width // 2 + 1]
            own = own[np.isfinite(own)]
            assert np.isnan(found[row, t]) if not len(own) else found[row, t] == pytest.approx(own.mean())


@pytest.mark.parametrize("stride", [1, 3])
def test_a_shuffled_stretch_keeps_its_steps_and_all_else(stride: int) -> None:
    x = np.arange(2 * 71.0).reshape(71, 2)
    sources = Arrays([x[:5], x], [Item("a", "g"), Item("b", "g")])
    steps = 71 // stride
    mixed = Shuffled(sources, 1, 4, steps - 3, stride=stride)
    first, last = 4 * stride, (steps - 3) * stride
    found = mixed.read(0, 0, 71)
    np.testing.assert_array_equal(found[:first], x[:first])
    np.testing.assert_array_equal(found[last:], x[last:])
    inside = found[first:last].reshape(-1, stride, 2)
    assert not np.array_equal(found, x)
    assert sorted(map(bytes, inside.astype(np.float32))) == sorted(
        map(bytes, x[first:last].reshape(-1, stride, 2).astype(np.float32))
    )
    for start, count in ((0, 7), (2, 31), (first + 1, 5), (last - 2, 20), (last, 4)):
        np.testing.assert_array_equal(mixed.read(0, start, count), found[start : start + count])
    assert (len(mixed), mixed.length(0), mixed.group(0), mixed.items[0].key) == (1, 71, 0, "b")
    for wrong in ((5, 6), (-1, 5), (60, 80)):
        with pytest.raises(CPCError, match="a stretch to shuffle needs two of them"):
            Shuffled(sources, 1, *wrong)


def test_what_shuffling_costs() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(2, 1, 997)) + np.array([[[1.0]], [[0.25]]])
    found = stretch(Course((1,), one), Course((1,), two), 100, 900)
    assert found.ordered_K[0] == pytest.approx(one[0, 100:900].mean()) and found.shuffled_K[0] == pytest.approx(
        two[0, 100:900].mean()
    )
    assert found.error_K[0] == pytest.approx(np.sqrt(2 / 800), rel=0.5)
