"""`cpc recipes`: list the recipes. `cpc recipes NAME` prints one of them with all its settings."""

from __future__ import annotations

import argparse

# Advice below the list. docs/how-to/choose-a-recipe.md holds the figures behind it.
GUIDANCE = (
    "* recommended: the recipe that measured best in its domain.",
    "Start with your own data, even if there is little. If you only have minutes of it, add other data.",
    "Use c if the past helps to tell the label, else z. `cpc probe` compares both.",
    "`cpc recipes NAME > mine.toml` writes a recipe with every setting explained.",
    "Edit mine.toml, then run `cpc train mine.toml`.",
)
_DOMAINS = ("speech", "pictures", "series", "text", "synthetic")
_TEXTS = ("title", "domain", "about", "command", "cost", "expect")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "List the recipes, with the cost and the expected result of each. With NAME, print every setting of one recipe with its "
        "meaning. Use that to write a recipe for your own data."
    )
    parser.add_argument(
        "recipe", nargs="?", metavar="NAME", help="Recipe, .toml file or settings.json of a run whose settings are printed."
    )


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import output

    output(listed() if arguments.recipe is None else explained(arguments.recipe))


def listed() -> str:
    """Return the table of the recipes of this package, the recommended ones first."""
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
    """Return a recipe as TOML, with the meaning, the type and the choices of every setting."""
    from torchcpc.settings import load_recipe

    recipe = load_recipe(name)
    from torchcpc.runs.build import schema
    from torchcpc.settings import resolve, written

    texts = {text: str(recipe[text]) for text in _TEXTS if text in recipe}
    return written(resolve(recipe, schema()), schema(), texts).rstrip("\n")
