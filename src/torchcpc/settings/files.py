"""Recipes as files: those that ship, those of a user, and the settings.json of a run; and `section.key=value` over them."""

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torchcpc.contracts import CPCError, shown
from torchcpc.settings.renamed import current_names
from torchcpc.settings.rules import suggest

# A recipe that ships has less than two kilobytes; channels by the thousand, each with its mean, have less than this.
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
"""Sections, and texts that say what the recipe is for."""


def recipes() -> dict[str, Path]:
    """Name -> file of the recipes that ship with the package."""
    folder = Path(__file__).parents[1] / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_recipe(name: str) -> Recipe:
    """The tables of a recipe: one that ships with the package, by name; any TOML file, by path; or the settings.json of a run. Raises
    CPCError for anything else."""
    shipped = recipes()
    if name in RENAMED:
        raise CPCError(f"recipe {name!r} is {RENAMED[name]!r} now.")
    path = shipped.get(name) or Path(name)
    # os.path and not Path: a name that cannot be is a name of no file, instead of raised.
    if os.path.isfile(os.path.join(name, "settings.json")):
        raise CPCError(f"{name} is a run. Go on with it by --resume {name}, or take {path / 'settings.json'} as the recipe.")
    if path.suffix not in (".toml", ".json") or not os.path.isfile(path):
        raise CPCError(f"recipe {name!r} is neither a shipped recipe nor a .toml file.{suggest(name, shipped)}")
    if (size := os.path.getsize(path)) > _LONGEST_RECIPE:
        raise CPCError(f"recipe {path} has {size:,} bytes, of at most {_LONGEST_RECIPE:,}: it is no recipe. Name another file.")
    kind = "JSON" if path.suffix == ".json" else "TOML"
    try:
        text = path.read_text(encoding="utf8")
        tables = json.loads(text) if kind == "JSON" else tomllib.loads(text)
    # Of a file, of its form, of a number of too many digits, and of lists in lists in lists.
    except (OSError, ValueError, RecursionError) as error:
        raise CPCError(f"recipe {path}: not valid {kind}: {error}. Mend the file and run again.") from None
    return _of_run(tables, path) if kind == "JSON" else tables


def recipe_name(recipe: str | Path) -> str:
    """What a run of the recipe is called."""
    path = Path(recipe)
    return f"{path.absolute().parent.name}-again" if path.suffix == ".json" else path.stem


def _of_run(record: object, path: Path) -> Recipe:
    """The recipe that a run was begun with. What it learned from its data (a vocabulary, scales) is learned again from others. Runs of
    older versions do not say what that was: they give what they learned."""
    fields = record if isinstance(record, dict) else {}
    settings, given = fields.get("settings"), fields.get("given", {})
    if not isinstance(settings, dict) or not isinstance(given, dict) or not all(isinstance(s, dict) for s in settings.values()):
        raise CPCError(f"recipe {path} is no settings.json of a run: it holds no settings. Name the settings.json of a run.")
    settings, given = current_names(settings), current_names(given)
    begun = {section: {**_found(own, path.parent), **(given.get(section) or {})} for section, own in settings.items()}
    return {"title": f"The settings of {path.parent}", **begun}


def _found(section: Mapping[str, object], folder: Path) -> dict[str, object]:
    """The section, its files of the run found from anywhere."""

    def is_file(value: object) -> bool:
        return isinstance(value, str) and os.path.basename(value) == value != "" and os.path.isfile(folder / value)

    return {name: str(folder / str(value)) if is_file(value) else value for name, value in section.items()}


def override(recipe: Mapping[str, object], assignments: Sequence[str]) -> Recipe:
    """The recipe with `section.key=value` applied; values are TOML (8, 2e-4, true, [10, 8]), anything else is taken as text."""
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
