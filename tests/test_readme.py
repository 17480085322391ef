"""The README is short, and its commands exist and take the options it shows. tests/docs/ runs them."""

import json
import re
import sys
from pathlib import Path

import pytest

import torchcpc
from torchcpc.runs.build import schema
from torchcpc.settings import load_recipe, override, recipes, resolve

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))
import doc_commands  # noqa: E402

README = (ROOT / "README.md").read_text(encoding="utf8")
COMMANDS = [one.text for one in doc_commands.shown(README) if one.text.startswith("cpc ")]


def test_it_is_short():
    assert len(README.splitlines()) <= 150


def test_it_leads_to_the_recommended_recipes_in_the_order_of_a_first_hour():
    """From a folder to a run, a table and a page; whoever follows the first block has all three."""
    first = next(block for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL) if "cpc train speech" in block)
    assert re.findall(r"^cpc (\w+)", first, re.MULTILINE) == ["train", "probe", "report"]
    assert (
        "pip install" in README.partition("cpc train speech")[0]
        and "cpc train speech --data recordings/ -o runs/mine\n" in first
    )
    trained = re.findall(r"^cpc train ([\w-]+)", README, re.MULTILINE)
    assert trained[0] == "speech" and set(trained) <= set(recipes())


def test_there_are_commands():
    assert {command.split()[1] for command in COMMANDS} >= {"train", "probe", "report"}


@pytest.mark.parametrize("command", COMMANDS)
def test_parses(command, monkeypatch, tmp_path):
    """Parsed for real, with the work itself replaced."""
    from importlib import import_module

    from torchcpc.cli import main
    from torchcpc.commands.recipes import explained

    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(explained("speech"))
    (tmp_path / "runs/mine").mkdir(parents=True)
    (tmp_path / "runs/mine/settings.json").write_text(json.dumps({"settings": resolve(load_recipe("speech"), schema())}))
    words = doc_commands.Shown("cpc", command, 0).words
    module = import_module(f"torchcpc.commands.{words[0]}")
    seen = []
    monkeypatch.setattr(module, "run", seen.append)
    monkeypatch.setattr("torchcpc.commands.options.check_paths", lambda arguments: None)  # the data of the README are not here
    assert main(words) == 0
    assert not any("=" in root for root in getattr(seen[0], "data", None) or []), "a setting was taken for data"
    if words[0] == "train" and seen[0].recipe:
        resolve(override(load_recipe(seen[0].recipe), seen[0].assignments), schema())


def test_make_targets_exist():
    makefile = (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf8")
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile


def test_python_blocks_name_what_exists():
    """Imports, and names of the package itself such as torchcpc.mutual."""
    blocks = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    imports = [line for line in blocks.splitlines() if line.startswith(("from ", "import "))]
    assert len(imports) >= 3
    exec("\n".join(imports), {})
    for name in re.findall(r"torchcpc\.(\w+)\(", blocks):
        assert callable(getattr(torchcpc, name))
