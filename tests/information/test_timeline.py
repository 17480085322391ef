"""The timeline of a source against a loop, its smoothing, and a stretch in another order."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conformance.worlds import World
from tests.information.trained import trained
from torchcpc.contexts import RecurrentContext
from torchcpc.contracts import CPCError
from torchcpc.data import Arrays, Item
from torchcpc.data.clips import Shuffled
from torchcpc.encoders import VectorEncoder
from torchcpc.information.one_source import OneSource, find_source, overlaps, source_pmi
from torchcpc.information.scoring import SampleSpec, marginal
from torchcpc.information.timeline import TimelineSpec, compare_stretch, moving_mean, pmi_timeline
from torchcpc.model import CPCModel
from torchcpc.runs.run import load_run
from torchcpc.scores.bilinear import Bilinear


@pytest.fixture
def model() -> CPCModel:
    torch.manual_seed(0)
    return CPCModel(VectorEncoder(features=2, dim=5, hidden=7), RecurrentContext(5, dim=3), Bilinear(3, 5, count=2)).eval()


@pytest.fixture
def sources() -> Arrays:
    rng = np.random.default_rng(0)
    items = [Item(f"s{i}", "g") for i in range(7)]
    return Arrays([rng.normal(size=(13 + 10 * (i == 4), 2)).astype(np.float32) for i in range(7)], items)


def test_each_step_bears_the_score_that_was_given_to_it(model: CPCModel, sources: Arrays) -> None:
    sample = marginal(model, sources, [1, 2, 3], SampleSpec(29))
    found_KT = source_pmi(trained(model), OneSource(sources.select([0]), sample, 0, 0, ""))
    with torch.inference_mode():
        z, c, _ = (value[0] for value in model(torch.from_numpy(sources.items[0].values)[None]))
        assert found_KT.shape == (2, 13)
        for row, k in enumerate((1, 2)):
            assert np.isnan(found_KT[row, :k]).all()
            for t in range(k, 13):
                p = model.predictor(c[None, t - k : t - k + 1])[0, 0, row]
                expected = (p @ z[t] - sample(p.view(1, 1, -1))[0, 0]).item()
                assert found_KT[row, t] == pytest.approx(expected, abs=1e-5)
    short = Arrays([sources.items[0].values[:1]], [Item("short", "g")])
    with pytest.raises(CPCError, match="1 steps: too few"):
        source_pmi(trained(model), OneSource(short, sample, 0, 0, ""))


def test_the_longest_source_by_default_against_samples_of_the_others(model: CPCModel, sources: Arrays) -> None:
    run = trained(model)
    found = pmi_timeline(run, sources, TimelineSpec(smooth=1, shuffle=(0.2, 0.9), seed=3, samples=31))
    sample = marginal(model, sources, [0, 1, 2, 3, 5, 6], SampleSpec(31))
    pmi_KT = source_pmi(run, OneSource(sources.select([4]), sample, 4, 0, ""))
    assert (found.source, found.unit, found.smooth, found.horizons, found.marks) == ("s4", "step", 1, (1, 2), ())
    np.testing.assert_allclose(found.pmi, pmi_KT, atol=1e-4)
    assert found.mean == pytest.approx(np.nanmean(pmi_KT, axis=1))
    assert found.shuffled is not None and (found.shuffled.first, found.shuffled.last) == (5, 21)
    assert found.shuffled.ordered_mean == pytest.approx(pmi_KT[:, 5:21].mean(axis=1))
    # Before the stretch nothing differs; within it the order does.
    np.testing.assert_array_equal(found.shuffled.pmi[:, :5], found.pmi[:, :5])
    assert not np.allclose(found.shuffled.pmi[:, 5:21], found.pmi[:, 5:21])
    assert pmi_timeline(run, sources, TimelineSpec(source="s1", samples=31)).source == "s1"
    for wrong, word in (
        ({"source": "s9"}, "s9"),
        ({"smooth": 0}, "smooth = 0: at least"),
        ({"shuffle": (0.5, 0.2)}, "0.5:0.2"),
    ):
        with pytest.raises(CPCError, match=word):
            pmi_timeline(run, sources, TimelineSpec(samples=31, **wrong))
    with pytest.raises(CPCError, match="sources other than"):
        pmi_timeline(run, sources.select([4]), TimelineSpec())


@pytest.mark.parametrize("width", [1, 4, 7, 101])
def test_smoothing_is_a_mean_of_neighbours(width: int) -> None:
    value = np.random.default_rng(0).normal(size=(2, 23))
    value[0, :3] = np.nan
    found = moving_mean(value, width)
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
    found = compare_stretch(one, two, 100, 900, 1)
    assert found.ordered_mean[0] == pytest.approx(one[0, 100:900].mean())
    assert found.shuffled_mean[0] == pytest.approx(two[0, 100:900].mean())
    assert found.error[0] == pytest.approx(np.sqrt(2 / 800), rel=0.5)


def item(path: str | None, begin_s: float = 0.0, seconds: float = 0.0) -> Item:
    return Item("a", "g", path=None if path is None else Path(path), begin_s=begin_s, seconds=seconds)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (item("a.wav"), item("./a.wav"), True),
        (item("a.wav"), item("b.wav"), False),
        (item("a.wav", 0, 5), item("a.wav", 5, 3), False),
        (item("a.wav", 0, 5), item("a.wav", 4.9, 3), True),
        (item("a.wav", 7, 2), item("a.wav", 1, 5), False),
        (item(None), item("a.wav"), True),  # by the key alone
    ],
)
def test_stretches_of_one_file_overlap_where_they_meet(one: Item, other: Item, expected: bool) -> None:
    assert overlaps(one, other) == overlaps(other, one) == expected


def test_a_source_alone_rests_on_what_the_run_held_out(worlds: Callable[[str], World]) -> None:
    world = worlds("audio")
    run = load_run(world.run)
    parts, own = run.parts(), run.open()
    alone = own.items[parts.validation[0]].path
    assert alone is not None
    one = find_source(run, alone, SampleSpec(31))
    others = [i for i in parts.unseen or parts.validation if i != parts.validation[0]] or parts.train
    expected = marginal(run.model, own, others, SampleSpec(31, run.marginal))
    torch.testing.assert_close(one.sample.z_MD, expected.z_MD)
    assert one.item.path == alone and one.number == -1


def test_a_file_named_alone_keeps_the_speaker_that_it_has_in_the_run(worlds: Callable[[str], World]) -> None:
    """The folder of a file says nothing when the file alone is named, but the run knows it."""
    run = load_run(worlds("audio").run)
    own = run.open()
    for item in own.items:
        assert item.path is not None
        one = find_source(run, item.path, SampleSpec(31, "all"))
        known = {own.items[i].group for i in range(len(own)) if own.items[i] != item}
        assert one.item.group != item.group and item.group in known
        assert one.group in (own.groups.index(item.group), -1)  # -1 where no other source of the sample is of that speaker
    assert any(find_source(run, item.path, SampleSpec(31, "all")).group != -1 for item in own.items)
