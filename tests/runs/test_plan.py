"""What a training takes, told before it begins: what is found, what it costs, and that nothing is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.tiny import SMALL, make_recordings
from torchcpc.cli import main
from torchcpc.runs import plan as module
from torchcpc.runs.devices import Devices
from torchcpc.runs.dry_run import plan, plan_rest
from torchcpc.runs.plan import Clock, Pace, span

CPU = Devices(accelerator="cpu", precision="32-true")


def test_a_dry_run_says_what_there_is_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recordings = make_recordings(tmp_path / "rec")
    (recordings / "speaker0/bad.wav").write_bytes(b"RIFFxx")
    before = sorted(tmp_path.rglob("*"))
    words = ["train", "speech-waveform", "--data", str(recordings), "--accelerator", "cpu", *SMALL, "split.validation=0.34"]
    assert main([*words, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before
    lines = out.splitlines()
    assert lines[0] == "skipped 1 of 7 files:" and "bad.wav" in lines[1]
    starts = [
        "data: 6 recordings, ",
        "trained on: 4 recordings, ",
        "held out for validation: 2 recordings, ",
        "model: ",
        "memory: ",
        "time: about ",
    ]
    assert [line.startswith(start) for line, start in zip(lines[2:], starts, strict=True)] == [True] * 6
    assert lines[2].endswith(" of audio, 2 groups") and "6 updates of" in lines[-1] and "2 validations of" in lines[-1]
    # The same lines begin the run itself, whose rest is planned in turn.
    assert main([*words, "-o", "run"]) == 0
    assert "\n".join(lines[2:6]) in capsys.readouterr().err
    assert main(["train", "--resume", "run", "--dry-run"]) == 1
    assert "already has all its updates" in capsys.readouterr().err


def test_the_plan_of_a_run_that_stopped_is_of_what_remains(tmp_path: Path) -> None:
    import os
    import signal

    from torchcpc.api import train

    sections = {"data_settings": {"sources": 29}, "windows": {"batch": 5}, "candidates": {"count": 11}}
    sections["training"] = {"steps": 40, "warmup": 0, "validate_every": 8}

    def press(event: str, step: int, metrics: dict) -> None:
        if (event, step) == ("step", 17):
            os.kill(os.getpid(), signal.SIGINT)

    whole = plan("synthetic-ar1", out=tmp_path / "run", devices=CPU, **sections)
    assert (whole.begun, whole.steps, whole.validations) == (0, 40, 6) and whole.pace is not None
    assert whole.seconds == pytest.approx(40 * whole.pace.update_s + 6 * whole.pace.validation_s)
    with pytest.raises(KeyboardInterrupt):
        train("synthetic-ar1", out=tmp_path / "run", devices=CPU, on_event=press, **sections)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    rest = plan_rest(tmp_path / "run", devices=CPU)
    assert (rest.begun, rest.validations, rest.trained) == (17, 3, whole.trained)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == kept


def test_the_clock_counts_updates_and_validations_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Updates of 3 s, validations of 100 s: the first update, which warms up, and whatever follows a validation are not counted."""
    import torch

    now, told = [0.0], list[Pace]()
    monkeypatch.setattr(module, "perf_counter", lambda: now[0])
    clock = Clock(torch.device("cpu"), told.append)
    for event, step, took in [
        ("valid", 0, 100),
        ("best", 0, 1),
        ("step", 1, 50),
        ("step", 2, 3),
        ("valid", 2, 100),
        ("step", 3, 7),
        ("step", 4, 3),
    ]:
        now[0] += took
        clock(event, step, {})
    assert [(pace.update_s, pace.validation_s) for pace in told] == [(3.0, 101.0)] and told[0].peak_bytes > 1e8


def test_spans() -> None:
    assert [span(s) for s in (0.0213, 4.26, 45.2, 720, 7500)] == ["0.021 s", "4.3 s", "45 s", "12 min", "2 h 5 min"]
