"""`cpc recipes` lists the recipes; `cpc recipes NAME` prints one whole, as a recipe that can be changed and trained."""

from __future__ import annotations

import argparse

# Where to go on from the list. Its figures are in docs/how-to/choose-a-recipe.md.
GUIDANCE = (
    "* recommended: the best one measured of its domain.",
    "Start with your own data, however few, and add other data when there are only minutes of it.",
    "Read labels from c where the past says something about them, else from z; `cpc probe` shows both.",
    "`cpc recipes NAME > mine.toml` writes a recipe with all its settings explained; `cpc train mine.toml` trains it.",
)
_DOMAINS = ("speech", "pictures", "series", "text", "synthetic")
_TEXTS = ("title", "domain", "about", "command", "cost", "expect")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recipe", nargs="?", metavar="NAME", help="print all settings of this recipe, .toml file or settings.json of a run"
    )


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import output

    output(listed() if arguments.recipe is None else explained(arguments.recipe))


def listed() -> str:
    """The table of the recipes that ship, the recommended ones first."""
    from torchcpc.settings import load_recipe, recipes
    from torchcpc.text_table import TextTable

    found = {name: load_recipe(name) for name in recipes()}
    order = sorted(found, key=lambda name: (name != found[name]["domain"], _DOMAINS.index(found[name]["domain"]), name))
    rows = [
        [
            f"{'*' if name == recipe['domain'] else ' '} {name}",
            *(recipe[text] for text in ("domain", "title", "cost", "expect")),
        ]
        for name, recipe in ((name, found[name]) for name in order)
    ]
    return TextTable(("recipe", "domain", "purpose", "cost", "expected result"), rows, notes=["", *GUIDANCE]).text()


def explained(name: str) -> str:
    """A recipe with every setting, its meaning, its type and its choices, as TOML."""
    from torchcpc.settings import load_recipe

    recipe = load_recipe(name)
    from torchcpc.runs.build import schema
    from torchcpc.settings import resolve, written

    texts = {text: str(recipe[text]) for text in _TEXTS if text in recipe}
    return written(resolve(recipe, schema()), schema(), texts).rstrip("\n")
