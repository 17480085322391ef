"""Recipes as files: shipped ones, those of a user, and the settings.json of a run."""

import json
from pathlib import Path

import pytest

from torchcpc.contracts import CPCError
from torchcpc.runs.build import schema
from torchcpc.settings import load_recipe, recipe_name, resolve


def test_the_settings_of_a_run_are_a_recipe(tmp_path: Path) -> None:
    begun = resolve(load_recipe("series"), schema())
    learned = {**begun, "encoder": {**begun["encoder"], "mean": [3.0, 5.0], "scale": [7.0, 0.0]}}
    given = {"encoder": {"mean": [], "scale": []}}
    (tmp_path / "settings.json").write_text(
        json.dumps({"recipe": "series", "roots": ["x"], "settings": learned, "given": given})
    )
    found = load_recipe(str(tmp_path / "settings.json"))
    assert resolve(found, schema()) == begun
    assert found["title"] == f"The settings of {tmp_path}"


def test_a_run_that_does_not_say_what_it_learned_gives_that(tmp_path: Path) -> None:
    settings = resolve(load_recipe("text"), schema())
    settings["data"]["tokenizer"] = "tokenizer.json"
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "settings.json").write_text(json.dumps({"settings": settings}))
    assert load_recipe(str(tmp_path / "settings.json"))["data"]["tokenizer"] == str(tmp_path / "tokenizer.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '{"settings": 3}', '{"settings": {"data": 3}}', '{"given": {}}'])
def test_what_is_no_record_of_a_run_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.json").write_text(text)
    with pytest.raises(CPCError, match="recipe .*settings.json") as error:
        load_recipe(str(tmp_path / "settings.json"))
    assert len(error.value.lines) == 1


def test_a_run_folder_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{}")
    with pytest.raises(CPCError, match=f"{tmp_path} is a run. Continue it with --resume"):
        load_recipe(str(tmp_path))


def test_names_of_runs() -> None:
    assert recipe_name("speech") == "speech"
    assert recipe_name(Path("a/mine.toml")) == "mine"
    assert recipe_name("runs/mine/settings.json") == "mine-again"
