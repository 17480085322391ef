"""Read recipes, and apply `section.key=value` overrides to them.

A recipe is part of the package, a TOML file of a user, or the settings.json of a run.
"""

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torchcpc.contracts import CPCError, shown
from torchcpc.settings.renamed import current_names
from torchcpc.settings.rules import suggest

# In bytes. A recipe of the package has less than 2,000, and even one with the means of thousands of channels has less than this.
_LONGEST_RECIPE = 1 << 24
# Old name -> new name of a recipe.
RENAMED = {
    "speech-mel": "speech",
    "speech-small": "speech-waveform",
    "boundaries-small": "speech-boundaries",
    "image-small": "pictures",
    "image-paper": "pictures-paper",
    "image-v2": "pictures-v2",
    "series-sensors": "series",
    "text-small": "text",
    "digits-demo": "digits",
}
Recipe = dict[str, Any]
"""The sections of a recipe, and its texts, such as the title."""


def recipes() -> dict[str, Path]:
    """Return the recipes of the package: name -> file."""
    folder = Path(__file__).parents[1] / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_recipe(name: str) -> Recipe:
    """Return the sections and texts of a recipe.

    Args:
        name: Name of a recipe of the package, or path of a TOML file or of the settings.json of a run.

    Raises:
        CPCError: For anything else, and for a file that cannot be read.
    """
    shipped = recipes()
    if name in RENAMED:
        raise CPCError(f"recipe {name!r} is {RENAMED[name]!r} now.")
    path = shipped.get(name) or Path(name)
    # Path.is_file raises an error for an impossible name, where os.path.isfile returns False.
    if os.path.isfile(os.path.join(name, "settings.json")):
        raise CPCError(f"{name} is a run. Continue it with --resume {name}, or use {path / 'settings.json'} as the recipe.")
    if path.suffix not in (".toml", ".json") or not os.path.isfile(path):
        raise CPCError(f"recipe {name!r} is neither a shipped recipe nor a .toml file.{suggest(name, shipped)}")
    if (size := os.path.getsize(path)) > _LONGEST_RECIPE:
        raise CPCError(f"recipe {path} has {size:,} bytes, of at most {_LONGEST_RECIPE:,}: it is no recipe. Name another file.")
    kind = "JSON" if path.suffix == ".json" else "TOML"
    try:
        text = path.read_text(encoding="utf8")
        tables = json.loads(text) if kind == "JSON" else tomllib.loads(text)
    # RecursionError comes from deeply nested lists, ValueError from bad syntax and from numbers of too many digits.
    except (OSError, ValueError, RecursionError) as error:
        raise CPCError(f"recipe {path}: not valid {kind}: {error}. Correct the file and run again.") from None
    return _of_run(tables, path) if kind == "JSON" else tables


def recipe_name(recipe: str | Path) -> str:
    """Return the name of a run that is trained by the recipe."""
    path = Path(recipe)
    return f"{path.absolute().parent.name}-again" if path.suffix == ".json" else path.stem


def _of_run(record: object, path: Path) -> Recipe:
    """Return the recipe that a run began with.

    A run learns some settings from its data, such as a vocabulary. The recipe leaves these out, so that a new run learns its own.
    Records of older versions do not name these settings, so they remain in the recipe.
    """
    fields = record if isinstance(record, dict) else {}
    settings, given = fields.get("settings"), fields.get("given", {})
    if not isinstance(settings, dict) or not isinstance(given, dict) or not all(isinstance(s, dict) for s in settings.values()):
        raise CPCError(f"recipe {path} is no settings.json of a run: it holds no settings. Name the settings.json of a run.")
    settings, given = current_names(settings), current_names(given)
    begun = {section: {**_found(own, path.parent), **(given.get(section) or {})} for section, own in settings.items()}
    return {"title": f"The settings of {path.parent}", **begun}


def _found(section: Mapping[str, object], folder: Path) -> dict[str, object]:
    """Return the section with the full paths of files in the run folder."""

    def is_file(value: object) -> bool:
        return isinstance(value, str) and os.path.basename(value) == value != "" and os.path.isfile(folder / value)

    return {name: str(folder / str(value)) if is_file(value) else value for name, value in section.items()}


def override(recipe: Mapping[str, object], assignments: Sequence[str]) -> Recipe:
    """Return the recipe with overrides applied.

    Args:
        recipe: Sections and texts. It is not changed.
        assignments: Texts `section.key=value`. A value is TOML (8, 2e-4, true, [10, 8]); anything else is read as text.

    Raises:
        CPCError: For a text of another form.
    """
    tables = {key: dict(value) if isinstance(value, Mapping) else value for key, value in recipe.items()}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        section, dot, name = key.strip().partition(".")
        if not (equals and dot and section and name):
            raise CPCError(f"override {assignment!r}: expected section.key=value, for instance training.steps=1000.")
        try:
            value = tomllib.loads(f"value = {text.strip()}")["value"]
        except (ValueError, RecursionError):
            value = text.strip()
        table = tables.setdefault(section, {})
        if not isinstance(table, dict):
            raise CPCError(f"override {assignment!r}: {section} is not a section but {shown(table)}.")
        table[name] = value
    return tables
