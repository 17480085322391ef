"""The README's commands exist and take the options it shows."""

import re
import shlex
from pathlib import Path

import pytest

import torchcpc
from torchcpc.runs.build import schema
from torchcpc.settings import load_recipe, override, resolve

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf8")
COMMANDS = [
    command for command in re.findall(r"(?:^|`)(cpc [a-z]+ [^`\n]+?)(?:`|$)", README, re.MULTILINE) if "..." not in command
]


def test_there_are_commands():
    shown = {*("train", "embed", "probe", "report", "information", "anomalies", "export", "segment")}
    shown |= {"rank", "score", "timeline", "nearest", "expand"}
    assert {command.split()[1] for command in COMMANDS} == shown


@pytest.mark.parametrize("command", COMMANDS)
def test_parses(command, monkeypatch):
    """Parsed for real, with the work itself replaced."""
    from importlib import import_module

    from torchcpc.cli import main

    words = shlex.split(command)[1:]
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
