"""`cpc recipes` lists and explains, and what it prints trains; so does the settings.json of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.test_architecture import loaded
from torchcpc.cli import main
from torchcpc.commands.recipes import listed
from torchcpc.runs.build import schema
from torchcpc.settings import load_recipe, override, recipes, resolve

SMALL = [
    "training.steps=2",
    "training.warmup=0",
    "data.sources=23",
    "windows.batch=5",
    "candidates.count=11",
    "encoder.hidden=7",
]


def test_the_list_is_narrow_and_leads_with_the_recommended_recipes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    named = [line[:20].strip() for line in lines[1:] if line[:2] in ("* ", "  ") and line[2] != " "]
    named = [name for name in named if name.removeprefix("* ") in recipes()]
    assert [name for name in named if name.startswith("* ")] == ["* speech", "* pictures", "* series", "* text"]
    assert named[:4] == ["* speech", "* pictures", "* series", "* text"]
    assert {name.removeprefix("* ") for name in named} == set(recipes())
    for text in ("84.8 %", "53.5 %", "recommended", "Start with your own data"):
        assert text in listed()


def test_each_recipe_says_what_it_is_for() -> None:
    for name in recipes():
        recipe = load_recipe(name)
        assert {"title", "domain", "about", "command", "cost", "expect"} <= recipe.keys()
        assert name in recipe["command"] or recipe["command"] == "cpc demo"
        assert len(recipe["title"]) <= 60 and len(recipe["expect"]) <= 130


def test_the_list_needs_no_torch() -> None:
    assert loaded("from torchcpc.cli import main\nmain(['recipes'])", "torch", "pydantic") & {"torch", "pydantic"} == set()


@pytest.mark.parametrize(
    ("name", "said"), [("speach", "Did you mean 'speech'?"), ("speech-mel", "is 'speech' now"), ("nowhere.toml", "neither")]
)
def test_a_wrong_name_is_one_line(name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", name]) == 1
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_what_is_printed_trains_and_so_do_the_settings_of_that_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["recipes", "synthetic-ar1"]) == 0
    Path("mine.toml").write_text(capsys.readouterr().out)
    assert resolve(load_recipe("mine.toml"), schema()) == resolve(load_recipe("synthetic-ar1"), schema())
    assert main(["train", "mine.toml", *SMALL]) == 0
    assert main(["train", "runs/mine/settings.json"]) == 0
    first, again = (json.loads(Path(f"runs/{name}/settings.json").read_text()) for name in ("mine", "mine-again"))
    assert first["settings"] == again["settings"]
    assert first["settings"] == resolve(override(load_recipe("mine.toml"), SMALL), schema())
    assert Path("runs/mine/model.safetensors").read_bytes() == Path("runs/mine-again/model.safetensors").read_bytes()
    capsys.readouterr()
    assert main(["recipes", "runs/mine/settings.json"]) == 0
    Path("third.toml").write_text(capsys.readouterr().out)
    assert resolve(load_recipe("third.toml"), schema()) == first["settings"]
    assert main(["train", "runs/mine"]) == 1
    assert "runs/mine is a run. Continue it with --resume runs/mine" in capsys.readouterr().err
