"""Loggers of Fabric beside metrics.jsonl: what they are told, in a run that is stopped and resumed, and TensorBoard's own files."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from lightning_fabric.loggers.logger import Logger

from torchcpc.api import resume, train
from torchcpc.cli import main
from torchcpc.contracts import CPCError
from torchcpc.runs import loggers
from torchcpc.runs.devices import Devices
from torchcpc.runs.loggers import log_to

CPU = Devices(accelerator="cpu", precision="32-true")
SMALL = {
    "data_settings": {"sources": 29},
    "encoder": {"dim": 3, "hidden": 7},
    "windows": {"batch": 5},
    "candidates": {"count": 11},
    "training": {"steps": 6, "log_every": 1, "validate_every": 3, "save_every": 2},
}


class Recording(Logger):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.settings: list[dict[str, Any]] = []
        self.metrics: list[tuple[int, dict[str, float]]] = []
        self.ended: list[str] = []

    name = version = "recording"

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        self.settings.append(dict(params))

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        self.metrics.append((step or 0, dict(metrics)))

    def finalize(self, status: str) -> None:
        self.ended.append(status)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_logger_is_told_what_metrics_jsonl_holds(tmp_path: Path) -> None:
    logger = Recording()
    train("synthetic-ar1", out=tmp_path / "a", devices=CPU, on_event=log_to(logger), **SMALL)
    (settings,) = logger.settings
    assert settings["training.steps"] == 6 and settings["encoder.dim"] == 3 and logger.ended == ["success"]
    kept = [line for line in lines(tmp_path / "a") if line["event"] in ("train", "valid")]
    assert [(line["step"], line["event"]) for line in kept] == [
        (step, next(iter(metrics)).split("/")[0]) for step, metrics in logger.metrics
    ]
    for line, (_, metrics) in zip(kept, logger.metrics, strict=True):
        split, bounds = line["event"], line["bound_per_k"]
        assert [metrics[f"{split}/bound_k{k}"] for k in line["horizons"]] == pytest.approx(bounds)
        assert metrics[f"{split}/bound"] == pytest.approx(line.get("bound", sum(bounds) / len(bounds)))
        if split == "train":
            assert metrics["train/loss"] == pytest.approx(line["loss"])
            assert metrics["train/learning_rate"] == pytest.approx(line["learning_rate"])


def test_tensorboard_holds_every_update_of_a_run_that_was_stopped_and_resumed_once(tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    folder, log = tmp_path / "a", log_to("tensorboard")

    def press(event: str, step: int, metrics: Any) -> None:
        log(event, step, metrics)
        if (event, step) == ("step", 3):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train("synthetic-ar1", out=folder, devices=CPU, on_event=press, **SMALL)
    resume(folder, devices=CPU, on_event=log_to("tensorboard"))
    found = events.EventAccumulator(str(folder / "tensorboard")).Reload()
    kept = [line for line in lines(folder) if line["event"] == "train"]
    told = found.Scalars("train/loss")
    assert [event.step for event in told] == [line["step"] for line in kept] == [1, 2, 3, 4, 5, 6]
    assert [event.value for event in told] == pytest.approx([line["loss"] for line in kept])
    assert [event.step for event in found.Scalars("valid/bound")] == [0, 3, 6]


def test_a_logger_that_is_not_there_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loggers, "find_spec", lambda name: None)
    with pytest.raises(CPCError, match=r"logger = 'tensorboard' is not installed.*torchcpc\[tensorboard\]"):
        log_to("tensorboard")
    assert main(["train", "synthetic-ar1", "--logger", "tensorboard", "-o", str(tmp_path / "a")]) == 1
    assert main(["train", "synthetic-ar1", "--logger", "tensorbord", "-o", str(tmp_path / "a")]) == 1
    said = capsys.readouterr().err
    assert "pip install" in said and "logger = 'tensorbord' is unknown" in said and not list(tmp_path.iterdir())
