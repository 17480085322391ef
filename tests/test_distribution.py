"""What the package says of itself: how it is cited, and what it needs."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import yaml

import torchcpc
from tests.test_architecture import PACKAGE, parse

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
# Imported by name, and always there with the package that brings it.
BROUGHT = {"markupsafe": "jinja2", "pydantic-core": "pydantic"}


def plain(name: str) -> str:
    """A distribution by its normal name: "scikit_learn>=1.6" -> "scikit-learn"."""
    return re.split(r"[\[<>=!~; ]", name, maxsplit=1)[0].lower().replace("_", "-")


def imported() -> dict[str, bool]:
    """Top module of other packages -> whether some module imports it on its own import, outside of functions and type checking."""
    found: dict[str, bool] = {}

    def visit(node: ast.AST, early: bool) -> None:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
        for name in names:
            top = name.partition(".")[0]
            found[top] = found.get(top, False) or early
        late = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.iter_child_nodes(node):
            visit(child, early and not late and not checking)

    for tree in parse(PACKAGE).values():
        visit(tree, True)
    return {name: early for name, early in found.items() if name not in sys.stdlib_module_names and name != "torchcpc"}


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf8"))
    assert citation["version"] == torchcpc.__version__ and citation["title"] == "torchcpc" and citation["license"] == "MIT"
    assert citation["cff-version"] == "1.2.0" and citation["authors"] == [{"name": "The torchcpc developers"}]
    (paper,) = citation["references"]
    assert [author["family-names"] for author in paper["authors"]] == ["Oord", "Li", "Vinyals"]
    assert paper["title"] == "Representation Learning with Contrastive Predictive Coding" and "1807.03748" in paper["url"]


def test_the_dependencies_are_what_is_imported() -> None:
    """No more and no less. What only an extra brings is imported in functions, or by the one page that needs it."""
    needed = {plain(name) for name in PROJECT["dependencies"]}
    extras = {plain(name) for names in PROJECT["optional-dependencies"].values() for name in names}
    owners = {module: {plain(name) for name in names} for module, names in packages_distributions().items()}
    names = {module: owners.get(module, {module.replace("_", "-")}) for module in imported()}
    assert {name for owned in names.values() for name in owned} >= needed, "a dependency is never imported"
    for module, early in imported().items():
        mine = {BROUGHT.get(name, name) for name in names[module]}
        assert mine & needed or (mine & extras and (not early or module == "bokeh")), f"{module} is in no dependency"


def test_every_extra_is_documented() -> None:
    page = (ROOT / "docs/how-to/install.md").read_text(encoding="utf8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == PROJECT["optional-dependencies"].keys()
