"""One comparison by a single split and by folds: which rows it has, what they are compared with, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.alignment import Alignment
from torchcpc.data.arrays import Arrays, Item
from torchcpc.data.clips import wholes
from torchcpc.domains import Domain
from torchcpc.probes.compare import compare
from torchcpc.probes.cross_validation import CrossValidation
from torchcpc.probes.question import ProbeRows, ProbeSpec
from torchcpc.probes.rows import split_clips
from torchcpc.probes.single_split import SingleSplit
from torchcpc.representations.embed import frames
from torchcpc.representations.pool import pooled
from torchcpc.runs.build import build, schema
from torchcpc.runs.run import TrainedRun
from torchcpc.settings import Settings, override, resolve

COUNT, LENGTH = 41, 7
FEW = ProbeRows(seeds=1, draws=2, probes=None, curve=(), supervised_steps=0)


def settings(*changes: str) -> Settings:
    recipe = {
        "data": {"name": "digits"},
        "encoder": {"name": "vectors", "features": 3, "dim": 5, "hidden": 7},
        "context": {"name": "gru", "dim": 11},
        "predictor": {"name": "bilinear", "count": 2},
    }
    parts = schema()
    return resolve(override(recipe, changes), {part: parts[part] for part in recipe})


def trained(seed: int, *changes: str) -> TrainedRun:
    config = settings(*changes)
    handmade = {"sums": lambda x_SF, stride: x_SF.sum(axis=1, keepdims=True), "raw": lambda x_SF, stride: x_SF}
    domain = Domain(name="digits", reader=Arrays, handmade=handmade)
    return TrainedRun(Path("run"), build(config, seed=seed).eval(), config, None, domain)


@pytest.fixture(scope="module")
def runs() -> list[TrainedRun]:
    return [trained(1), trained(2)]


def walks(kind: type[Arrays] = Arrays) -> Arrays:
    """Rows that lie higher or lower, as the label says; some sources have none."""
    generator = np.random.default_rng(0)
    side = [("low", "high", "")[n % 3 if n > 35 else n % 2] for n in range(COUNT)]
    arrays = [generator.normal(2.0 * (name == "high"), 1, size=(LENGTH, 3)).astype(np.float32) for name in side]
    return kind(arrays, [Item(f"{n}", f"g{n % 5}", {"side": name, "who": f"w{n % 4}"}) for n, name in enumerate(side)])


def test_a_single_split_has_every_row_under_every_probe_with_a_curve_and_a_map(runs: list[TrainedRun]) -> None:
    rows = ProbeRows(seeds=3, draws=2, probes=("linear",), curve=(1, 2), supervised_steps=2)
    found = compare(runs, walks(), ProbeSpec("side"), rows)
    assert [(row.features, row.role, row.probe, len(row.accuracies), row.dim) for row in found.rows] == [
        ("CPC c", "cpc", "linear", 2, 22),
        ("CPC z", "cpc", "linear", 2, 10),
        ("random init c", "untrained", "linear", 3, 22),
        ("random init z", "untrained", "linear", 3, 10),
        ("sums", "handmade", "linear", 1, 2),
        ("raw", "handmade", "linear", 1, 6),
        ("same network", "supervised", "supervised", 3, None),
    ]
    labelled = sum(bool(side) for side in walks().labels("side"))
    assert (found.unit, found.classes, found.split.kind) == ("recording", 2, "random")
    assert found.train + found.validation + found.test == labelled
    assert {(point.features, point.labels_per_class) for point in found.efficiency} == {
        (row.features, number) for row in found.rows if row.role != "supervised" for number in (1, 2, None)
    }
    assert all(gap.features == "CPC c" for gap in found.differences) and len(found.differences) == 6
    assert found.map and found.map.points.shape == (found.test, 2) and len(found.map.labels) == found.test
    assert len(set(found.map.keys)) == found.test, "each point says what it is"
    assert found.rows[4].accuracy.mean > 0.8  # the sum tells the two apart
    clips = split_clips(walks(), ProbeSpec("side"))
    sides = [("high", "low").index(side) if side else -1 for side in walks().labels("side")]
    train, test = (np.array([sides[i] for i, own in enumerate(clips.part) if own == part]) for part in ("train", "test"))
    commonest = np.bincount(train[train >= 0]).argmax()
    assert found.chance == pytest.approx(np.mean(test[test >= 0] == commonest))


def test_every_value_of_a_column_is_tested_once(runs: list[TrainedRun]) -> None:
    spec = ProbeSpec("side", test_on="who", validate_across="who", standardise_by="group")
    found = compare(runs[:1], walks(), spec, replace(FEW, probes=("linear",), baselines=["sums"]))
    assert found.test == sum(bool(side) for side in walks().labels("side"))
    assert len(found.rows[0].penalties) == 4 and "each who in turn" in found.split.text()
    values = [
        compare(runs[:1], walks(), replace(spec, test_on=f"who=w{n}"), replace(FEW, probes=("linear",))) for n in range(4)
    ]
    right = sum(one.test * one.rows[4].accuracies[0] for one in values)
    assert found.rows[4].accuracies[0] == pytest.approx(right / found.test)


def test_folds_test_every_source_under_the_linear_probe(runs: list[TrainedRun]) -> None:
    found = compare(runs, walks(), ProbeSpec("side", folds=3), ProbeRows(seeds=2, supervised_steps=2))
    assert [(row.features, row.role, row.probe, len(row.accuracies)) for row in found.rows] == [
        ("CPC z", "cpc", "linear", 2),
        ("CPC c", "cpc", "linear", 2),
        ("random init z", "untrained", "linear", 2),
        ("random init c", "untrained", "linear", 2),
        ("sums", "handmade", "linear", 1),
        ("raw", "handmade", "linear", 1),
        ("same network", "supervised", "supervised", 2),
    ]
    assert found.test == sum(bool(side) for side in walks().labels("side")) and found.validation is None
    assert (found.split.kind, found.split.folds, found.split.repeated) == ("folds", 3, 0)
    assert len(found.rows[0].penalties) == 2 * 3 and found.efficiency == ()


class Sentences(Arrays):
    """Sources of text; what is written repeats itself after 13."""

    def text(self, index: int, start: int = 0, count: int | None = None) -> list[str]:
        return [f"word{index % 13} of {self.items[index].labels['side']}"]

    def every_sentence(self) -> Iterator[str]:
        return iter(())


def test_text_is_folded_by_what_is_written_and_has_rows_of_its_words(runs: list[TrainedRun]) -> None:
    rows = replace(FEW, baselines=["TF-IDF"], probes=None, curve=None)
    found = compare(runs, walks(Sentences), ProbeSpec("side", folds=3), rows)
    last, both = found.rows[-2:]
    assert (last.features, last.role, both.features, both.role, both.added_to) == (
        *("TF-IDF", "handmade"),
        *("CPC z + TF-IDF", "cpc", "TF-IDF"),
    )
    assert last.accuracy.mean == 1.0 and found.unit == "recording" and found.split.repeated > 5
    assert ("CPC z + TF-IDF", "TF-IDF") in {(gap.features, gap.against) for gap in found.differences}


@pytest.mark.parametrize("folds", [0, 3])
def test_both_designs_are_given_the_same_rows_of_a_clip(folds: int, runs: list[TrainedRun]) -> None:
    """A witness pools whole sources in memory."""
    sources, stride = walks(), runs[0].model.encoder.stride
    spec = ProbeSpec("side", folds=folds)
    design = CrossValidation(sources, spec, stride) if folds else SingleSplit(sources, spec, FEW, stride)
    clips = design.clips
    (made,) = design.gather((i, (clips.read(i, 0, clips.length(i)),)) for i in range(len(clips)))
    z, _ = frames(runs[0].model, wholes(sources))
    (ours,) = design.gather((i, (z[clip.source],)) for i, clip in enumerate(clips.items))
    for i, row in ours.items():
        source = clips.items[i].source
        np.testing.assert_array_equal(row, pooled([z[source]], pool="mean+deviation"))
        np.testing.assert_array_equal(made[i], pooled([sources.items[source].values], pool="mean+deviation"))


INTERVALS = Alignment(("a", "b"), {"other": (np.array([0.0]), np.array([1.0]), np.array([0]))})


@pytest.mark.parametrize(
    ("spec", "rows", "message"),
    [
        (ProbeSpec("side"), ProbeRows(baselines=["MFCC"]), "baseline 'MFCC' is unknown. Choose among: sums, raw"),
        (ProbeSpec("mood"), FEW, "label 'mood': none of these sources"),
        (ProbeSpec("mood", folds=3), FEW, "label 'mood': none of these sources"),
        (ProbeSpec("side", test_on="town"), FEW, "test on 'town': none of these sources"),
        (ProbeSpec("side", test_on="who=x"), FEW, "test on 'who=x': no source has it"),
        (ProbeSpec("side", validate_across="town"), FEW, "validate across 'town': none of these sources"),
        (ProbeSpec("side", select_by="luck"), FEW, "select_by = 'luck' is unknown"),
        (ProbeSpec("side", folds=3, select_by="luck"), FEW, "select_by = 'luck' is unknown"),
        (ProbeSpec("side", folds=3, fold_by="town"), FEW, "fold by 'town': none of these sources"),
        (ProbeSpec("side", alignment=INTERVALS), FEW, "recording has no labels"),
    ],
)
def test_what_cannot_be_asked_is_refused(spec: ProbeSpec, rows: ProbeRows, message: str, runs: list[TrainedRun]) -> None:
    with pytest.raises(CPCError, match=message):
        compare(runs, walks(), spec, rows)


def test_runs_of_other_sizes_are_no_seeds_of_one_network(runs: list[TrainedRun]) -> None:
    with pytest.raises(CPCError, match="--seed-runs"):
        compare([runs[0], trained(1, "context.dim=13")], walks(), ProbeSpec("side"), FEW)


def test_frames_of_pictures_have_no_labels(runs: list[TrainedRun], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs[0].model.encoder, "layout", replace(runs[0].model.encoder.layout, columns=7))
    with pytest.raises(CPCError, match="a picture has a label as a whole"):
        compare(runs, walks(), ProbeSpec("side", unit="frame"), FEW)
