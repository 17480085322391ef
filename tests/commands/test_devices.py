"""`cpc train --devices 2` on one machine: against plain PyTorch that averages two gradients, and when one process is told to stop."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from torchcpc.cli import main
from torchcpc.data.splits import hold_out
from torchcpc.data.synthetic import simulate
from torchcpc.data.windows import RandomWindows
from torchcpc.objectives import Contrast
from torchcpc.runs.build import build, schema
from torchcpc.scores import Shared
from torchcpc.settings import load_recipe, override, resolve
from torchcpc.training.loop import step_generator

SRC = Path(__file__).parents[2] / "src"
STEPS = 7
SMALL = ["data.sources=29", "windows.batch=5", "candidates.count=11", "encoder.dim=3", "encoder.hidden=7"]
SMALL += [f"training.steps={STEPS}", "training.warmup=0", "training.schedule=constant", "training.clip=0.0"]
TWO = ["--accelerator", "cpu", "--devices", "2", "--seed", "3"]
# As torchrun would start it, with one process pressing Ctrl-C after update 3.
STOPPED = """
import os, signal, sys
from contextlib import contextmanager
import torchcpc.training.record as record
from torchcpc.cli import main
event = record.Record.event
def pressed(self, kind, step, metrics):
    event(self, kind, step, metrics)
    if (kind, step, os.environ["RANK"]) == ("step", 3, "1"):
        os.kill(os.getpid(), signal.SIGINT)
record.Record.event = pressed
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def start(command: list[str], folder: Path, **more: str) -> subprocess.Popen[str]:
    env = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": str(SRC), **more}
    return subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def ended(*children: subprocess.Popen[str]) -> list[int]:
    try:
        said = [child.communicate(timeout=120)[0] for child in children]
    finally:
        for child in children:
            child.kill()
    assert all(child.returncode in (0, 130) for child in children), "\n".join(said)
    return [child.returncode for child in children]


def cpc(folder: Path, *words: str) -> list[int]:
    return ended(start(["-m", "torchcpc", *words], folder))


@pytest.fixture(scope="module")
def together(port: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("together")
    assert cpc(folder, "train", "synthetic-ar1", *SMALL, "-o", "run", "--precision", "32-true", *TWO) == [0]
    return folder / "run"


def test_two_processes_take_the_mean_of_two_losses_each_with_its_own_candidates(together: Path) -> None:
    settings = resolve(override(load_recipe("synthetic-ar1"), SMALL), schema())
    sources = simulate(**{name: value for name, value in settings["data"].items() if name != "name"})
    train = sources.select(hold_out(sources, 3, **settings["split"]).train)
    order = RandomWindows(train, 1, 3, **settings["windows"])
    contrast = Contrast(Shared(count=11, strategy="mixed_excluding"))
    model = build(settings, seed=3)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["training"]["learning_rate"])
    for step in range(STEPS):
        with torch.random.fork_rng():
            losses = [contrast(model, order.draw(step, rank), step_generator(3, step, rank))[0] for rank in (0, 1)]
        optimizer.zero_grad()
        (sum(losses) / 2).backward()
        optimizer.step()
    saved = load_file(together / "latest.safetensors")
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(saved[f"model.{name}"], parameter.detach(), rtol=1e-4, atol=1e-5)


def test_one_process_told_to_stop_takes_the_other_along_and_both_go_on_bit_for_bit(
    together: Path, tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    shared |= {"TORCHELASTIC_RUN_ID": "test", "GROUP_RANK": "0"}
    words = ["-c", STOPPED, "train", "synthetic-ar1", *SMALL, "-o", "run", "--precision", "32-true", *TWO]
    children = [start(words, tmp_path, **shared, RANK=str(rank), LOCAL_RANK=str(rank)) for rank in (0, 1)]
    assert ended(*children) == [130, 0]
    shutil.copytree(tmp_path / "run", tmp_path / "alone")
    assert main(["train", "--resume", str(tmp_path / "alone"), "--accelerator", "cpu"]) == 1
    assert "was begun by 2 processes" in capsys.readouterr().err
    assert cpc(tmp_path, "train", "--resume", "run", *TWO[:4]) == [0]
    for name in ("latest.safetensors", "best.safetensors", "model.safetensors"):
        assert (tmp_path / "run" / name).read_bytes() == (together / name).read_bytes(), name
