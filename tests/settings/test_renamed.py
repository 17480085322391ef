"""Settings with an old name: refused in a recipe, read from the files of a run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from torchcpc.contracts import CPCError
from torchcpc.runs.build import schema
from torchcpc.runs.record import RunRecord
from torchcpc.runs.saved import from_pretrained, save_pretrained
from torchcpc.settings import RENAMED_SETTINGS, current_names, first_names, load_recipe, override, resolve
from torchcpc.training.checkpoint import read_tensors

OLD_RUN = Path(__file__).parents[1] / "runs" / "old_run"
OLD, NEW = "predictor.echo", "predictor.identity_scale"


def test_an_override_with_an_old_name_is_refused_in_one_line() -> None:
    recipe = override(load_recipe("digits"), [f"{OLD}=1"])
    with pytest.raises(CPCError) as caught:
        resolve(recipe, schema())
    assert caught.value.lines == (f"{OLD} is {NEW} now.",)


def test_a_recipe_with_an_old_name_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[predictor]\nname = "bilinear"\necho = 2.0\n')
    recipe = {**load_recipe("digits"), **load_recipe(str(tmp_path / "mine.toml"))}
    with pytest.raises(CPCError) as caught:
        resolve(recipe, schema())
    assert caught.value.lines == (f"{OLD} is {NEW} now.",)


@pytest.mark.parametrize(("old", "new"), RENAMED_SETTINGS.items())
def test_every_name_is_translated_both_ways(old: str, new: str) -> None:
    (section, before), (same, now) = old.split("."), new.split(".")
    assert section == same, "the section of a setting cannot change"
    settings = {section: {before: 3, "other": 5}, "odd": 7}
    assert current_names(settings) == {section: {now: 3, "other": 5}, "odd": 7}
    assert first_names(current_names(settings)) == settings


def test_files_with_an_old_name_load(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(OLD_RUN, folder)
    for name in ("config.json", "settings.json"):
        text = (folder / name).read_text()
        assert '"echo": 0.0' in text
        (folder / name).write_text(text.replace('"echo": 0.0', '"echo": 2.0'))
    model, config = from_pretrained(folder)
    assert config["predictor"]["identity_scale"] == 2.0 and "echo" not in config["predictor"]
    assert RunRecord.read(folder).settings["predictor"] == config["predictor"]
    assert load_recipe(str(folder / "settings.json"))["predictor"] == config["predictor"]
    save_pretrained(model, config, tmp_path / "copy")
    assert json.loads((tmp_path / "copy/config.json").read_text())["predictor"] == config["predictor"]


def test_a_rename_keeps_the_fingerprint_of_a_checkpoint(tmp_path: Path) -> None:
    record = RunRecord.read(OLD_RUN)
    assert record.fingerprint() == read_tensors(OLD_RUN / "latest.safetensors")[1].fingerprint
    record.write(tmp_path)
    assert "echo" not in (tmp_path / "settings.json").read_text()
    assert RunRecord.read(tmp_path).fingerprint() == record.fingerprint()
