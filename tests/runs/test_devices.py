"""Devices that are not there, and what they cannot do, are refused before anything is read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from torchcpc.cli import main
from torchcpc.contracts import CPCError
from torchcpc.runs.devices import Devices


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MASTER_ADDR", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def cuda(monkeypatch: pytest.MonkeyPatch, there: bool, bfloat16: bool = True) -> None:
    from torchcpc.runs import devices

    monkeypatch.setitem(devices.ACCELERATORS, "cuda", lambda: there)
    monkeypatch.setitem(devices.ACCELERATORS, "mps", lambda: False)
    monkeypatch.setitem(devices.ACCELERATORS, "gpu", lambda: there)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bfloat16)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "an old card")


@pytest.mark.parametrize(
    ("given", "there", "said"),
    [
        ({"accelerator": "cuda"}, False, "finds no such device here"),
        ({"accelerator": "gpu"}, False, "finds no such device here"),
        ({"accelerator": "mps"}, True, "finds no such device here"),
        ({"accelerator": "cdua"}, True, "accelerator = 'cdua' is unknown. Choose one of"),
        ({"precision": "16"}, True, "precision = '16' is unknown. Choose one of"),
        ({"accelerator": "cpu", "devices": 4}, False, "devices = 4: this machine has 3 cores"),
        ({"accelerator": "cpu", "devices": "9"}, False, "devices = 9: this machine has 3 cores"),
        ({"accelerator": "cuda", "devices": 3}, True, "devices = 3: this machine has 2 cuda devices"),
        ({"accelerator": "auto", "devices": 3}, True, "devices = 3: this machine has 2 cuda devices"),
        ({"nodes": 2}, False, "nodes = 2: nothing says where the machines meet"),
    ],
)
def test_what_is_not_there(monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], there: bool, said: str) -> None:
    cuda(monkeypatch, there)
    with pytest.raises(CPCError, match=said):
        Devices(**given).check()


@pytest.mark.parametrize("given", [{"devices": 0}, {"devices": "-1"}, {"devices": "x"}, {"nodes": 0}, {"nodes": 1.5}])
def test_numbers_that_are_none(given: dict[str, Any]) -> None:
    with pytest.raises(CPCError, match="a whole number above 0"):
        Devices(**given)


def test_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda(monkeypatch, True)
    monkeypatch.setenv("MASTER_ADDR", "here")
    for given in (
        {},
        {"accelerator": "cuda", "devices": 2},
        {"accelerator": "gpu", "nodes": 2},
        {"accelerator": "cpu", "devices": 3},
    ):
        Devices(**given).check()
    assert (Devices(accelerator="gpu").kind, Devices(accelerator="cpu").kind) == ("cuda", "cpu")


def test_a_precision_that_the_card_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda(monkeypatch, True, bfloat16=False)
    with pytest.raises(CPCError, match="an old card has no bfloat16. Use 32-true"):
        Devices(accelerator="cuda", precision="bf16-mixed").check()
    assert Devices(accelerator="cuda").resolved_precision() == "32-true"


@pytest.mark.parametrize("words", [["--accelerator", "cdua"], ["--devices", "99"], ["--seed", "-1"], ["context.dim=-3"]])
def test_nothing_is_written(tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "speech", "--data", str(tmp_path), "-o", str(tmp_path / "run"), *words]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and (words[-1].lstrip("-").split(".")[0] in said) and os.listdir(tmp_path) == []


# What torchrun, SLURM and Lightning's own launcher say of a process that is not the first of those that train together.
OTHERS = [{"RANK": "2", "LOCAL_RANK": "0"}, {"SLURM_PROCID": "1"}, {"LOCAL_RANK": "1"}, {"NODE_RANK": "1", "LOCAL_RANK": "0"}]


@pytest.mark.parametrize("said", OTHERS)
def test_of_several_processes_the_first_alone_speaks(said: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    together, alone = Devices(devices=3), Devices()
    for name in ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert together.is_first() and alone.is_first()
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert not together.is_first() and not Devices(nodes=2).is_first() and alone.is_first()
