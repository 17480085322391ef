"""The docs site: every public name, command, setting and recipe has its entry, and the site builds strictly and offline."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import torchcpc
from torchcpc.cli import COMMANDS
from torchcpc.runs.build import schema
from torchcpc.settings import parameters, recipes

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def reference():
    sys.path.insert(0, str(DOCS))
    try:
        yield importlib.import_module("reference_pages")
    finally:
        sys.path.remove(str(DOCS))


@pytest.fixture(scope="module")
def pages(reference) -> dict[str, str]:
    return reference.pages()


def entries(nav: object) -> list[str]:
    """The pages of a nav, whatever its depth."""
    if isinstance(nav, str):
        return [nav]
    return [page for entry in (nav.values() if isinstance(nav, Mapping) else nav) for page in entries(entry)]


def test_every_public_name_has_a_page_that_documents_it(reference, pages):
    assert len(set(torchcpc.__all__)) == len(torchcpc.__all__)
    for name in torchcpc.__all__:
        page = pages[f"reference/api/{name}.md"]
        assert f"torchcpc.{name}" in page
        if found := re.search(r"::: ([\w.]+)\.(\w+)\n", page):
            assert getattr(importlib.import_module(found[1]), found[2]) is getattr(torchcpc, name)
        else:
            assert name == "__version__" and torchcpc.__version__ in page
    assert sorted(name for names in reference.groups().values() for name in names) == sorted(torchcpc.__all__)


def test_what_is_documented_besides_exists(pages):
    for text in pages.values():
        for module, name in re.findall(r"^::: ([\w.]+)\.(\w+)$", text, re.MULTILINE):
            assert hasattr(importlib.import_module(module), name), (module, name)


def test_every_command_has_a_page_with_every_option(pages):
    for name in COMMANDS:
        parser = argparse.ArgumentParser()
        importlib.import_module(f"torchcpc.commands.{name}").arguments(parser)
        page = pages[f"reference/commands/{name}.md"]
        assert f"# cpc {name}\n" in page and f"\ncpc {name} " in page
        for action in parser._actions[1:]:
            for option in action.option_strings or [action.metavar]:
                assert re.search(rf"`{re.escape(option)}[ `]", page), (name, option)


def test_every_setting_has_a_row_with_its_meaning(pages):
    page = pages["reference/settings.md"]
    rows = re.findall(r"^\| `(\w+)\.(\w+)`\{: #([\w-]+) \} \| (.+?) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    shown = {anchor: (section, name, meaning) for section, name, anchor, meaning, _, _ in rows}
    assert len(shown) == len(rows)
    for section, target in schema().items():
        assert f"## [{section}]" in page
        for choice, found in target.items() if isinstance(target, Mapping) else [("", target)]:
            assert not choice or f'### {section}.name = "{choice}"' in page
            for name in parameters(found):
                assert shown.pop("-".join(filter(None, (section, choice, name))))[:2] == (section, name)
    assert not shown


def test_every_recipe_has_its_text_and_its_file(pages):
    page = pages["reference/recipes.md"]
    for name, path in recipes().items():
        assert f"\n## {name} {{: #{name} }}\n" in page
        for line in path.read_text(encoding="utf8").splitlines():
            assert line in page


def test_every_generated_page_stands_in_the_nav(reference, pages):
    assert sorted(entries(reference.navigation())) == sorted(pages)


def test_the_site_builds_strictly_and_loads_nothing_from_elsewhere(tmp_path):
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert built.returncode == 0, built.stderr
    for name in torchcpc.__all__:
        assert f"torchcpc.{name}" in (tmp_path / "site/reference/api" / name / "index.html").read_text(encoding="utf8")
    for page in (tmp_path / "site").rglob("*.html"):
        text = page.read_text(encoding="utf8")
        assert not re.findall(r'<(?:script|img|iframe)[^>]* src="(?:https?:)?//[^"]*"', text), page
        assert not re.findall(r'<link[^>]* rel="(?:stylesheet|preconnect|icon)"[^>]* href="(?:https?:)?//[^"]*"', text), page
        assert not re.findall(r'<link[^>]* href="(?:https?:)?//[^"]*"[^>]* rel="(?:stylesheet|preconnect)"', text), page
    left_out = ("*.py", "*.jinja", "figures/*.json")
    assert not [path for pattern in left_out for path in (tmp_path / "site").rglob(pattern)]
