"""Rows of a probe are told and kept as they are done: what a second question reads, what it computes anew, and what a fault costs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import torchcpc
from tests.commands.tiny import train
from torchcpc.contracts import Progress, silent
from torchcpc.probes import single_split
from torchcpc.probes.question import ProbeRows
from torchcpc.probes.result import ProbeTable

FEW = ProbeRows(seeds=2, baselines=["MFCC", "log-mel"])
KINDS = 2 + 2 * 2 + 2  # c and z of the run and of two untrained networks, and two baselines


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run on short tones of two heights by three speakers."""
    root, lines, generator = tmp_path_factory.mktemp("tones"), ["path,speaker,height"], np.random.default_rng(0)
    for number in range(36):
        wave = np.sin(2 * np.pi * (400, 700)[number % 2] * np.arange(3203) / 16_000) + generator.normal(size=3203)
        sf.write(root / f"{number}.wav", 0.1 * wave, 16_000)
        lines.append(f"{number}.wav,s{number % 3},h{number % 2}")
    (root / "labels.csv").write_text("\n".join(lines), encoding="utf8")
    run = tmp_path_factory.mktemp("trained") / "run"
    assert train(run, root) == 0
    return run, root


@pytest.fixture
def run(world: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of it, without rows."""
    return shutil.copytree(world[0], tmp_path / "run")


class Heard:
    """A listener that keeps every note."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        yield silent

    def note(self, text: str) -> None:
        self.notes.append(text)


def ask(run: Path, data: Path, rows: ProbeRows = FEW, **spec: object) -> tuple[ProbeTable, list[str]]:
    heard = Heard()
    return torchcpc.load(run, listener=heard).probe(data, rows=rows, **{"label": "height", **spec}), heard.notes


def computed(notes: list[str]) -> list[str]:
    return [note.split(",")[0] for note in notes if ": accuracy " in note]


def was_read(notes: list[str]) -> str:
    return next((note for note in notes if "read from" in note), "")


def test_the_same_question_reads_every_row_and_says_so(run: Path, world: tuple[Path, Path], monkeypatch) -> None:
    first, notes = ask(run, world[1])
    assert computed(notes) == ["CPC c", "CPC z", "random init c", "random init z", "MFCC", "log-mel"] and not was_read(notes)
    for name in ("embedded_sources", "build"):
        monkeypatch.setattr(f"torchcpc.probes.features.{name}", None)  # nothing is embedded again
    again, notes = ask(run, world[1])
    assert not computed(notes) and f"{KINDS} of {KINDS} results read from" in was_read(notes)
    assert again.to_json() == first.to_json()


def test_an_option_computes_what_depends_on_it_and_no_more(run: Path, world: tuple[Path, Path]) -> None:
    ask(run, world[1])
    _, notes = ask(run, world[1], ProbeRows(seeds=3, baselines=["MFCC"]))
    assert computed(notes) == ["random init c", "random init z"]
    _, notes = ask(run, world[1], ProbeRows(seeds=1, baselines=["log-mel"], curve=(2,), draws=2))
    assert not computed(notes) and "5 of 10 results" in was_read(notes)
    _, notes = ask(run, world[1], ProbeRows(seeds=1, baselines=["log-mel"], curve=(1, 2), draws=2))
    assert "10 of 15 results" in was_read(notes)
    for other in ({"pool": "mean"}, {"label": "speaker"}, {"class_weight": "balanced"}, {"select_by": "macro-F1"}):
        _, notes = ask(run, world[1], **other)
        assert len(computed(notes)) == 6 and not was_read(notes)


def test_other_data_and_other_weights_are_other_rows(run: Path, world: tuple[Path, Path], tmp_path: Path) -> None:
    data = shutil.copytree(world[1], tmp_path / "tones")
    before, _ = ask(run, data)
    _, notes = ask(run, world[1])
    assert not computed(notes)  # the same files elsewhere
    sf.write(data / "5.wav", np.random.default_rng(1).normal(size=3203) / 9, 16_000)
    _, notes = ask(run, data)
    assert len(computed(notes)) == 6
    other = tmp_path / "other"
    assert train(other, world[1], "training.steps=2") == 0
    for name in ("model.safetensors", "config.json"):
        shutil.copy(other / name, run / name)
    found, notes = ask(run, world[1])
    assert computed(notes) == ["CPC c", "CPC z"]
    assert found.rows[2:] == before.rows[2:]


@pytest.mark.parametrize("fault", ["cut", "flipped", "text", "empty", "folder"])
def test_a_damaged_row_is_told_and_computed_again(fault: str, run: Path, world: tuple[Path, Path]) -> None:
    whole, _ = ask(run, world[1])
    for path in (run / "probe-rows").iterdir():
        content = path.read_bytes()
        path.unlink()
        match fault:
            case "cut":
                path.write_bytes(content[: len(content) // 2])
            case "flipped":
                path.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
            case "text":
                path.write_text("no row")
            case "empty":
                path.touch()
            case _:
                path.mkdir()
    again, notes = ask(run, world[1])
    assert again.to_json() == whole.to_json()
    assert len(computed(notes)) == 6 and not was_read(notes)
    said = [note for note in notes if "is damaged" in note or "not kept" in note]
    assert len(said) == (1 if fault == "folder" else KINDS + 1)  # and the map


def test_an_interrupt_loses_no_row(run: Path, world: tuple[Path, Path], monkeypatch) -> None:
    whole, _ = ask(shutil.copytree(run, run.parent / "whole"), world[1])
    probe, calls = single_split.probe, []

    def interrupted(*features, **options):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(features)
        return probe(*features, **options)

    monkeypatch.setattr(single_split, "probe", interrupted)
    heard = Heard()
    with pytest.raises(KeyboardInterrupt):
        torchcpc.load(run, listener=heard).probe(world[1], rows=FEW, label="height")
    assert heard.notes[-1].startswith("note: 3 results kept in ") and computed(heard.notes) == ["CPC c", "CPC z"]
    monkeypatch.setattr(single_split, "probe", probe)
    found, notes = ask(run, world[1])
    assert f"3 of {KINDS} results read" in was_read(notes) and found.to_json() == whole.to_json()


def test_a_run_that_cannot_be_written_is_asked_all_the_same(run: Path, world: tuple[Path, Path]) -> None:
    (run / "probe-rows").write_text("no folder")
    found, notes = ask(run, world[1])
    assert len(found.rows) == 6 and sum("rows are not kept" in note for note in notes) == 1


def test_a_full_table_says_how_much_of_the_gap_is_closed(run: Path, world: tuple[Path, Path]) -> None:
    rows = ProbeRows(seeds=1, baselines=[], full=True, curve=(2,), draws=2, supervised_steps=3)
    found, _ = ask(run, world[1], rows)
    assert [row.probe for row in found.rows] == ["linear"] * 4 + ["MLP"] * 4 + ["supervised"]
    assert [row.labels_per_class for row in found.gaps] == [None] and found.gaps[0].supervised_accuracy
    assert [effort.network for effort in found.efforts] == ["CPC", "supervised"] and found.efforts[1].updates == 3
    assert "Gap closed = (CPC - untrained) / (supervised - untrained)" in found.text()
    read = ProbeTable.from_json(found.to_json())
    assert (read.gaps, read.efforts) == (found.gaps, found.efforts)
    again, notes = ask(run, world[1], rows)
    assert again.to_json() == found.to_json() and "13 of 13 results" in was_read(notes)


def test_the_supervised_network_trains_as_long_as_the_run_did(run: Path, world: tuple[Path, Path], monkeypatch) -> None:
    """The number of updates is measured once: the same question finds the rows of the first, whatever the machine does."""
    asked = []
    monkeypatch.setattr(single_split, "updates_within", lambda seconds, *_: asked.append(seconds) or 3)
    rows = ProbeRows(seeds=2, baselines=["MFCC"], full=True, probes=("linear",), curve=(1, 5))
    found, _ = ask(run, world[1], rows)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    trained = [line for line in lines if line["event"] == "train"]
    steps = np.diff([0, *(line["step"] for line in trained)])
    seconds = sum(step / line["steps_per_second"] for step, line in zip(steps, trained, strict=True))
    assert asked == [pytest.approx(seconds)] and found.efforts[1].updates == 3
    assert found.efforts[0].updates == trained[-1]["step"] and found.efforts[0].minutes == pytest.approx(seconds / 60)
    again, notes = ask(run, world[1], rows)
    assert again.to_json() == found.to_json() and len(asked) == 1 and not computed(notes)
    (run / "metrics.jsonl").unlink()
    monkeypatch.setattr(single_split, "SUPERVISED_STEPS", 2)
    unknown, _ = ask(run, world[1], rows)
    assert [effort.network for effort in unknown.efforts] == ["supervised"] and unknown.efforts[0].updates == 2


def test_few_labels_have_a_gap_where_the_supervised_network_learns_from_them_too(run: Path, world: tuple[Path, Path]) -> None:
    rows = ProbeRows(seeds=2, baselines=["MFCC"], curve=(1, 5), draws=2, supervised_steps=3, supervised_curve=True)
    found, _ = ask(run, world[1], rows)
    assert [gap.labels_per_class for gap in found.gaps] == [None, 1, 5]
    for gap in found.gaps:
        points = {p.features: p.accuracy for p in found.efficiency if p.labels_per_class == gap.labels_per_class}
        assert (gap.cpc_accuracy, gap.untrained_accuracy) == (points["CPC c"], points["random init c"])
        assert (gap.supervised_accuracy, gap.handmade_accuracy) == (points["same network"], points["MFCC"])
    curves = {(each["features"], each["probe"]) for each in found.records() if each["table"] == "label efficiency"}
    assert {probe for name, probe in curves if name == "same network"} == {"supervised"} and ("CPC c", "linear") in curves
    records = [(each["table"], each.get("labels_per_class")) for each in found.records()]
    assert records.count(("label efficiency", 5)) == 6 and [each for each in records if each[0] == "gap closed"][1][1] == 1
