"""`cpc train` from end to end: what a run holds, and that a stopped one goes on bit for bit."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.commands.tiny import train
from torchcpc.cli import main
from torchcpc.runs.saved import from_pretrained
from torchcpc.training.record import Record


def test_train_writes_a_whole_run(trained: Path) -> None:
    wanted = {"settings.json", "metrics.jsonl", "latest.safetensors", "best.safetensors", "model.safetensors", "config.json"}
    assert {path.name for path in trained.iterdir()} >= wanted | {"skipped.json", "report.html"}
    assert not list(trained.glob("*.part")) and not list(trained.glob("*.tmp"))
    described = json.loads((trained / "settings.json").read_text())
    assert described["settings"]["training"]["steps"] == 6 and described["settings"]["encoder"]["channels"] == 8
    assert (described["data"]["trained"], described["data"]["validated"], described["data"]["groups"]) == (5, 1, 2)
    lines = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["event"] == "train"] == [1, 2, 3, 4, 5, 6]
    untrained, valid = [line for line in lines if line["event"] == "valid"]
    assert untrained["step"] == 0
    best, _ = from_pretrained(trained)
    assert valid["step"] == 6 and valid["bound"] < np.mean(valid["ceiling_per_k"])
    for name, tensor in load_file(trained / "latest.safetensors").items():
        if name.startswith("model."):
            assert torch.equal(best.state_dict()[name.removeprefix("model.")], tensor)


def test_resuming_a_finished_run_changes_nothing(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["model.safetensors", "latest.safetensors", "best.safetensors", "metrics.jsonl", "config.json", "settings.json"]
    before = {name: (trained / name).read_bytes() for name in names}
    assert main(["train", "--resume", str(trained), "--accelerator", "cpu"]) == 0
    assert {name: (trained / name).read_bytes() for name in names} == before
    assert "already has all its 6 updates: nothing to do" in capsys.readouterr().err


def test_interrupted_and_resumed_is_bit_for_bit_the_uninterrupted_run(
    tmp_path: Path, trained: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    event = Record.event

    def pressed(self: Record, kind: str, step: int, metrics: dict[str, object]) -> None:
        event(self, kind, step, metrics)
        if (kind, step) == ("step", 3):
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Record, "event", pressed)
        assert train(tmp_path / "b", recordings) == 130
    said = capsys.readouterr().err
    assert re.search(
        r"stopped after update 3 of 6 \(best .* at update 0, the untrained network\); continue with: cpc train --resume", said
    )
    # What there is of it answers questions, and says how far it got.
    assert main(["embed", str(tmp_path / "b"), "-o", str(tmp_path / "b.npz")]) == 0
    assert f"{tmp_path / 'b'} is unfinished, at update 3 of 6 (best validation bound" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "b")]) == 0
    assert "is unfinished, at update 3 of 6" in capsys.readouterr().err
    assert main(["train", "--resume", str(tmp_path / "b"), "--accelerator", "cpu"]) == 0
    assert f"continuing {tmp_path / 'b'} at update 3 of 6\n" in capsys.readouterr().err
    assert (tmp_path / "b/model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()
    losses = []
    for folder in (trained, tmp_path / "b"):
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        losses.append([(line["step"], line["loss"]) for line in lines if line["event"] == "train"])
    assert losses[0] == losses[1] and len(losses[0]) == 6


def test_another_seed_is_another_model(tmp_path: Path, trained: Path, recordings: Path) -> None:
    assert train(tmp_path / "c", recordings, "--seed", "1", "training.steps=1") == 0
    assert (tmp_path / "c/model.safetensors").read_bytes() != (trained / "model.safetensors").read_bytes()


def test_a_window_need_not_be_a_whole_number_of_steps(tmp_path: Path, recordings: Path) -> None:
    assert train(tmp_path / "odd", recordings, "windows.length=1999", "training.steps=1", "split.validation=0.5") == 0
