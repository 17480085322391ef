"""A start that fails leaves nothing behind; data are opened once; the record is written once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from torchcpc.contracts import CPCError, Item, Progress, Skipped
from torchcpc.data.arrays import Arrays
from torchcpc.domains import DOMAINS
from torchcpc.objectives import Contrast
from torchcpc.runs.build import schema
from torchcpc.runs.devices import Devices
from torchcpc.runs.pretrain import pretrain, resume
from torchcpc.runs.record import RunRecord
from torchcpc.runs.run import load_run
from torchcpc.settings import Settings, load_recipe, override, resolve

CPU = Devices(accelerator="cpu", precision="32-true")
SMALL = ["data.sources=29", "windows.batch=5", "candidates.count=11", "encoder.dim=3", "encoder.hidden=5"]
SMALL += ["training.steps=4", "training.warmup=0", "training.log_every=1", "training.validate_every=2"]


def settings(*changes: str) -> Settings:
    return resolve(override(load_recipe("synthetic-ar1"), [*SMALL, *changes]), schema())


class Ears:
    def __init__(self) -> None:
        self.stages: list[str] = []
        self.notes: list[str] = []
        self.heard: list[tuple[str, int, int]] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        self.stages.append(name)
        yield lambda done, total, note="": self.heard.append((name, done, total))

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_data_are_opened_once_and_the_record_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ears, written = Ears(), []
    write = RunRecord.write
    monkeypatch.setattr(RunRecord, "write", lambda self, folder: (written.append(self), write(self, folder)))
    trained = pretrain(settings(), None, tmp_path / "run", recipe="synthetic-ar1", devices=CPU, listener=ears)
    assert ears.stages == ["scanning", "training"] and len(written) == 1
    assert ears.heard[-1] == ("training", 4, 4) and ears.notes[5].startswith("update 0: held-out bound")
    assert trained.run.record == RunRecord.read(tmp_path / "run") == written[0]
    assert json.loads((tmp_path / "run/skipped.json").read_text()) == []
    assert ears.notes[0].startswith("data: 29 sequences") and ears.notes[4].startswith("model: ")
    # What it trained on is open still, and the same as when it is loaded.
    sources = trained.run.open()
    assert ears.stages == ["scanning", "training"] and len(sources) == 29
    assert trained.run.parts() == load_run(tmp_path / "run").parts()
    resume(tmp_path / "run", devices=CPU)
    assert len(written) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('split.exclude=["group=nobody"]', "no source has it"),
        ("windows.batch=0", "windows.batch = 0"),
        ("data.steps=1", "data.steps = 1"),
        ("training.schedule=cosin", "cosin"),
        ("training.save_every=0", "training.save_every = 0"),
        ("split.validation=0.0", "above 0 and below 1"),
    ],
)
def test_a_start_that_fails_leaves_no_folder(tmp_path: Path, change: str, said: str) -> None:
    with pytest.raises(CPCError, match=said):
        pretrain(settings(change), None, tmp_path / "run", devices=CPU)
    assert not (tmp_path / "run").exists()


def test_so_does_one_that_is_interrupted_before_anything_was_learned(tmp_path: Path) -> None:
    def press(event: str, step: int, metrics: dict) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(settings("training.log_every=3"), None, tmp_path / "run", devices=CPU, on_event=press)
    assert not (tmp_path / "run").exists()


def test_so_does_one_that_diverges_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The untrained network that it had saved would stand in the way of the next try."""
    saved: list[bool] = []

    def look(event: str, step: int, metrics: dict) -> None:
        if event == "best":
            saved.append((tmp_path / "run/model.safetensors").exists())

    loss = Contrast.__call__
    monkeypatch.setattr(Contrast, "__call__", lambda *given: (loss(*given)[0] * float("nan"), loss(*given)[1]))
    with pytest.raises(CPCError, match="diverged"):
        pretrain(settings(), None, tmp_path / "run", devices=CPU, on_event=look)
    assert saved == [True] and not (tmp_path / "run").exists()


def test_the_model_on_disk_is_that_of_the_best_validation_all_along(tmp_path: Path) -> None:
    def compare(event: str, step: int, metrics: dict) -> None:
        if event in ("best", "step"):
            best, model = (load_file(tmp_path / f"run/{name}.safetensors") for name in ("best", "model"))
            compared.append(step)
            assert all(np.array_equal(model[name], best[f"model.{name}"]) for name in model)
            assert load_run(tmp_path / "run").model is not None

    compared: list[int] = []
    pretrain(settings(), None, tmp_path / "run", devices=CPU, on_event=compare)
    assert compared[0] == 0 and {1, 2, 3, 4} < set(compared)


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(CPCError, match="not empty"):
        pretrain(settings(), None, tmp_path, devices=CPU)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_sources_in_memory_are_data_too(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(23, 31, 1)).astype(np.float32)
    sources = Arrays(list(rows), [Item(str(n), str(n)) for n in range(23)])
    made = settings() | {"data": {"name": "arrays"}}
    run = pretrain(made, sources, tmp_path / "run", devices=CPU).run
    assert run.open() is sources and run.domain.name == "arrays" and run.require_record().roots == []
    loaded = load_run(tmp_path / "run")
    assert loaded.open(sources) is sources
    with pytest.raises(CPCError, match="arrays in memory"):
        loaded.open()


def test_no_data_where_the_reader_needs_some(tmp_path: Path) -> None:
    made = resolve(load_recipe("speech-waveform"), schema())
    with pytest.raises(CPCError, match="no data was named"):
        pretrain(made, [], tmp_path / "run", devices=CPU)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("devices", "said"),
    [
        ({"accelerator": "abacus"}, "accelerator = 'abacus' is unknown"),
        ({"accelerator": "tpu"}, "accelerator = 'tpu'"),
        ({"nodes": 0}, "nodes = 0"),
    ],
)
def test_devices_that_are_not_there_are_refused_and_leave_no_folder(devices: dict, said: str, tmp_path: Path) -> None:
    with pytest.raises(CPCError, match=said):
        pretrain(settings(), None, tmp_path / "run", devices=Devices(**devices))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("devices", ["two", 0, "-1", ""])
def test_how_many_devices(devices: int | str) -> None:
    assert Devices(devices="2") != Devices(devices="auto")
    with pytest.raises(CPCError, match="devices = .*a whole number above 0, or auto"):
        Devices(devices=devices)


def test_what_reading_brought_to_light_is_told_at_the_start_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).normal(size=(23, 31, 1)).astype(np.float32)
    sources = Arrays([*rows[:22], rows[22, :1]], [Item(str(n), str(n), {"split": "train"}) for n in range(23)])
    sources.skipped = [Skipped("a.wav", "silent"), Skipped("b.wav", "silent")]
    sources.notes = [Skipped("c.wav", "turned from grey to colour")]
    heard: list[int] = []
    doubtful = replace(DOMAINS["arrays"], doubts=lambda settings, given: heard.append(len(given)) or [Skipped("7", "far away")])
    monkeypatch.setitem(DOMAINS, "arrays", doubtful)
    ears, made = Ears(), settings() | {"data": {"name": "arrays"}}
    pretrain(made, sources, tmp_path / "run", devices=CPU, listener=ears)
    said = ["skipped 2 of 25 files:", "  2 files, for instance a.wav: silent", "note: c.wav: turned from grey to colour"]
    assert ears.notes[:3] == said and "note: 7: far away" in ears.notes[3:6]
    kept = {name: json.loads((tmp_path / f"run/{name}.json").read_text()) for name in ("skipped", "notes")}
    assert [fact["path"] for fact in kept["notes"]] == ["c.wav", "7"] and [f["path"] for f in kept["skipped"]][:2] == [
        "a.wav",
        "b.wav",
    ]
    # Of the sources that are learned from or validated on; said once of data that are opened twice.
    assert heard == [len(sources) - len(kept["skipped"][2:])]
    loaded = load_run(tmp_path / "run", listener=(again := Ears()))
    assert loaded.open(sources) is loaded.open(sources) is sources and again.notes == ["note: 7: far away"]
