"""The how-to pages: their commands parse, and their Python runs as it stands, with few updates."""

from __future__ import annotations

import json
import re
import shlex
import sys
from importlib import import_module
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest
import soundfile

import torchcpc
from torchcpc.commands.recipes import explained
from torchcpc.domains import DOMAINS
from torchcpc.encoders import ENCODERS
from torchcpc.runs.build import schema
from torchcpc.settings import load_recipe, override, resolve

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
SHORT = {"training": {"steps": 2, "warmup": 0, "validate_every": 2}}


def text(name: str) -> str:
    return (ROOT / "docs" / "how-to" / f"{name}.md").read_text(encoding="utf8")


def commands(page: Path) -> list[str]:
    """The lines of the bash blocks that begin with cpc, continued lines joined."""
    blocks = re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf8"), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [found[0] for line in lines if (found := re.search(r"\bcpc [a-z].*", line.partition("  #")[0]))]


def files(page: str, folder: Path) -> None:
    """Write the blocks of a page that have a file as their title."""
    for name, block in re.findall(r'```\w+ title="([\w.]+)"\n(.*?)```', text(page), re.DOTALL):
        (folder / name).write_text(block, encoding="utf8")


def shortened(recipe: Path, steps: int = 2) -> None:
    recipe.write_text(re.sub(r"^(steps|validate_every) = \d+$", rf"\1 = {steps}", recipe.read_text(), flags=re.MULTILINE))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A working folder whose modules can be imported. What they register is forgotten after the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for known, name in ((ENCODERS, "row_pairs"), (DOMAINS, "walks"), (sys.modules, "my_encoder"), (sys.modules, "walks")):
        monkeypatch.setitem(known, name, None)
        del known[name]
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_short_and_begins_with_a_sentence(page):
    lines = page.read_text(encoding="utf8").splitlines()
    assert 40 <= len(lines) <= 180 and lines[0].startswith("# ") and re.match(r"[A-Z]", lines[2])


@pytest.mark.parametrize(("page", "command"), [(page.stem, command) for page in PAGES for command in commands(page)])
def test_its_commands_parse(page, command, monkeypatch, tmp_path):
    from torchcpc.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(explained("speech"))
    words, seen = shlex.split(command.partition(" > ")[0])[1:], []
    monkeypatch.setattr(import_module(f"torchcpc.commands.{words[0]}"), "run", seen.append)
    monkeypatch.setattr("torchcpc.commands.options.check_paths", lambda arguments: None)
    assert main(words) == 0
    if words[0] == "train" and seen[0].recipe:
        resolve(override(load_recipe(seen[0].recipe), seen[0].assignments), schema())


def test_an_encoder_of_ones_own_trains_and_is_found_by_commands(folder, monkeypatch, capsys):
    files("your-own-encoder", folder)
    shortened(folder / "mine.toml")
    run_path("check.py")
    assert capsys.readouterr().out == f"{[True] * 6 + [False] * 4}\n"
    run_path("train.py")
    assert "CPC c" in capsys.readouterr().out
    for words in (["recipes", "mine.toml"], ["embed", "runs/mine", "-o", "vectors.csv"]):
        monkeypatch.setattr(sys, "argv", ["my_cpc.py", *words])
        with pytest.raises(SystemExit, match="0"):
            run_path("my_cpc.py", run_name="__main__")
    assert 'name = "row_pairs"' in capsys.readouterr().out and (folder / "vectors.csv").is_file()


def test_a_domain_of_ones_own_trains_and_is_probed(folder, capsys):
    files("your-own-domain", folder)
    shortened(folder / "walks.toml")
    run_path("train.py")
    table = capsys.readouterr().out
    assert "CPC c" in table and re.search(r"^rows ", table, re.MULTILINE) and "walks" in table


def test_sensors_are_streamed(folder):
    rng = np.random.default_rng(3)
    for number in range(7):
        rows = "".join(f"{a},{b}\n" for a, b in rng.normal(size=(150, 2)))
        Path(f"{number}.csv").write_text(f"a,b\n{rows}", encoding="utf8")
    Path("list.csv").write_text("path\n" + "".join(f"{number}.csv\n" for number in range(7)), encoding="utf8")
    torchcpc.train("series", data="list.csv", out="runs/sensors", windows={"length": 40}, **SHORT)
    files("streaming", folder)
    space = {"chunks": [rng.normal(size=(size, 2)) for size in (1, 13, 29)]}
    exec((folder / "sensors.py").read_text(), space)
    assert space["surprise_BTK"].shape == (1, 29, 8) and space["surprise_BTK"].isfinite().all()


def test_speech_is_streamed(folder, capsys):
    rng = np.random.default_rng(3)
    for name in ("anna/1", "anna/2", "ben/1", "ben/2", "eve/1", "eve/2"):
        Path("recordings", name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(f"recordings/{name}.wav", 0.1 * rng.normal(size=12_007), 16_000)
    soundfile.write("call.wav", 0.1 * rng.normal(size=8_003), 16_000)
    small = {"encoder": {"channels": 8}, "context": {"dim": 8}, "split": {"validation": 0.4}}
    torchcpc.train(
        "speech", data="recordings/", out="runs/mine", **small, **SHORT, windows={"windows_per_group": 2, "batch": 4}
    )
    files("streaming", folder)
    with pytest.raises(torchcpc.CPCError, match="a stream does not say whose it is"):
        torchcpc.load("runs/mine").stream()
    exec((folder / "speech.py").read_text(), {})
    steps = capsys.readouterr().out.splitlines()
    assert [json.loads(line.split(maxsplit=1)[0]) for line in steps] == list(range(len(steps))) and len(steps) == 50
    space: dict[str, object] = {}
    exec((folder / "check.py").read_text(), space)
    assert float(re.search(r"[\d.e-]+", capsys.readouterr().out.removeprefix("tensor("))[0]) < 1e-5
