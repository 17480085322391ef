"""Recipes and settings of others: what is no recipe, and sizes that no machine has, are refused in one line before anything is made."""

import os
from pathlib import Path

import pytest

from tests.data.noise import write
from torchcpc.cli import main


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    write(tmp_path / "sound" / "a.wav", 16_001, seed=3)
    write(tmp_path / "sound" / "b.wav", 16_001, seed=5)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> str:
        assert main(["train", *words, "--data", "sound", "-o", "run", "--accelerator", "cpu"]) == 1
        assert not Path("run").exists()
        said = capsys.readouterr().err
        assert "Traceback" not in said
        return said

    return run


def test_what_is_no_recipe(refused) -> None:
    Path("folder.toml").mkdir()
    os.mkfifo("pipe.toml")
    with Path("large.toml").open("wb") as file:
        file.truncate(1 << 30)
    Path("bytes.toml").write_bytes(b"\xff\xfe[data]")
    Path("deep.toml").write_text("a = " + "[" * 5_000 + "]" * 5_000)
    for name, said in (
        ("folder.toml", "neither a shipped recipe nor a .toml file"),
        ("pipe.toml", "neither a shipped recipe nor a .toml file"),
        ("large.toml", "1,073,741,824 bytes"),
        ("bytes.toml", "not valid TOML"),
        ("deep.toml", "not valid TOML"),
    ):
        assert said in refused(name)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("encoder.channels=1000000000000", "whole number, 1 to 1,048,576"),
        ("context.layers=1000000", "whole number, 1 to 1,000"),
        ("context.dim=200000", "these settings make"),
        ("training.steps=-3", "training.steps"),
    ],
)
def test_sizes_that_no_machine_has(refused, setting: str, said: str) -> None:
    assert said in refused("speech-waveform", setting)
