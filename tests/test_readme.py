"""The README's commands exist and take the options it shows."""

import json
import re
import shlex
from pathlib import Path

import pytest

import torchcpc
from torchcpc.runs.build import schema
from torchcpc.settings import load_recipe, override, resolve

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf8")
COMMANDS = [
    command
    for command in re.findall(r"(?:^|`)(cpc [a-z]+[^`\n]*?)(?:`|$|  +#)", README, re.MULTILINE)
    if "..." not in command and not command.startswith("cpc = ")
]


def test_it_is_short():
    assert len(README.splitlines()) <= 150


def test_it_leads_to_the_recommended_recipes_in_the_order_of_a_first_hour():
    """From a folder to a run, a table and a page; whoever follows the first block has all three."""
    block = re.search(r"## Your own recordings.*?```bash\n(.*?)```", README, re.DOTALL)
    assert block and re.findall(r"cpc (\w+)", block[1]) == ["train", "probe", "report"]
    assert "pip install" in block[1] and "cpc train speech --data recordings/ -o runs/mine\n" in block[1]
    trained = [name for name in re.findall(r"^cpc train ([\w-]+)", README, re.MULTILINE)]
    assert trained == ["speech", "pictures", "series", "text"]


def test_there_are_commands():
    shown = {*("recipes", "train", "embed", "probe", "report", "information", "anomalies", "export", "segment")}
    shown |= {"rank", "score", "timeline", "nearest", "expand"}
    assert {command.split()[1] for command in COMMANDS} == shown


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
    words = shlex.split(command.partition(" > ")[0])[1:]
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
