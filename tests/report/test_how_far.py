"""How far a run got: from its log, its settings and the header of its checkpoint."""

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from torchcpc.report.how_far import checkpoint_step, how_far
from torchcpc.report.metrics import LoggedMetrics, read_metrics

from .fabricate import folder, line


def settings(steps: object = 1000, patience: object = 0) -> dict[str, object]:
    return {"settings": {"training": {"steps": steps, "patience": patience}}}


def valid(place: Path, bounds: list[float]) -> LoggedMetrics:
    entries = [line("valid", 100 * (i + 1), np.random.default_rng(0)) | {"bound_per_k": [b] * 12} for i, b in enumerate(bounds)]
    return read_metrics(folder(place, entries) / "metrics.jsonl")


@pytest.mark.parametrize(
    ("steps", "checkpoint", "done", "finished"),
    [
        (300, None, 300, True),
        (1000, None, 300, False),
        (1000, 700, 700, False),
        (1000, 1000, 1000, True),
        (1000, 12, 300, False),
    ],
)
def test_the_log_or_the_checkpoint_says_how_far(
    tmp_path: Path, steps: int, checkpoint: int | None, done: int, finished: bool
) -> None:
    found = how_far(valid(tmp_path, [1.0, 1.1, 1.2]), settings(steps), checkpoint)
    assert (found.done, found.planned, found.finished) == (done, steps, finished)


@pytest.mark.parametrize(("bounds", "finished"), [([2.0, 1.0, 1.0], True), ([1.0, 2.0, 1.0], False)])
def test_a_run_that_ran_out_of_patience_is_finished(tmp_path: Path, bounds: list[float], finished: bool) -> None:
    assert how_far(valid(tmp_path, bounds), settings(patience=2), None).finished is finished


@pytest.mark.parametrize(
    "content", [{}, {"settings": 3}, {"settings": {"training": []}}, settings("many"), settings(True), settings(-5)]
)
def test_settings_that_say_nothing_leave_it_open(tmp_path: Path, content: dict[str, object]) -> None:
    assert how_far(valid(tmp_path, [1.0]), content, None).finished is None


def test_the_step_of_a_checkpoint_is_read_from_its_header(tmp_path: Path) -> None:
    path = tmp_path / "latest.safetensors"
    state = {"format": 1, "step": 613, "best": None, "fingerprint": "x"}
    save_file({"model.w": np.zeros((3, 5), dtype=np.float32)}, path, {"state": json.dumps(state)})
    assert checkpoint_step(path) == 613


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"abc",
        struct.pack("<Q", 1 << 60) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 4) + b"[[[[",
        *(
            struct.pack("<Q", len(header)) + header
            for header in (b'{"__metadata__": {"state": "3"}}', b'{"__metadata__": {"state": "{\\"step\\": true}"}}')
        ),
    ],
)
def test_a_damaged_checkpoint_says_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "latest.safetensors"
    path.write_bytes(content)
    assert checkpoint_step(path) is None and checkpoint_step(tmp_path / "absent") is None


def test_a_pipe_is_not_waited_on(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "latest.safetensors")
    assert checkpoint_step(tmp_path / "latest.safetensors") is None
