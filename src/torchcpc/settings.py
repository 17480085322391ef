"""Settings: a recipe file and `key=value` overrides -> keyword arguments that the constructors themselves declare. There is no schema
beside the code: the keyword-only parameters of what a section names are its settings, their annotations its types, their defaults its
defaults. Positional parameters are supplied by the program and cannot be set."""

import inspect
import math
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, get_type_hints

from torchcpc.contracts import CPCError, nearest_name, shown

# A recipe that ships has less than two kilobytes; channels by the thousand, each with its mean, have less than this.
_LONGEST_RECIPE = 1 << 24
_LONGEST_NAME = 80
_MOST_FAULTS = 20
# Seeds are 32 bits wide, and so are the largest sizes that torch's products take.
_LARGEST = 2**32 - 1
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
Settings = dict[str, dict[str, Any]]
Recipe = dict[str, Any]
"""Sections, and texts that say what the recipe is for."""
T = TypeVar("T")
# A section either chooses by name from a dict, or configures the one callable.
Schema = Mapping[str, Mapping[str, Callable[..., object]] | Callable[..., object]]


def recipes() -> dict[str, Path]:
    """Name -> file of the recipes that ship with the package."""
    folder = Path(__file__).parent / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_recipe(name: str) -> Recipe:
    """The tables of a recipe: one that ships with the package, by name, or any TOML file, by path."""
    shipped = recipes()
    if name in RENAMED:
        raise CPCError(f"recipe {name!r} is {RENAMED[name]!r} now.")
    path = shipped.get(name) or Path(name)
    # os.path and not Path: a name that cannot be is a name of no file, instead of raised.
    if path.suffix != ".toml" or not os.path.isfile(path):
        raise CPCError(f"recipe {name!r} is neither a shipped recipe nor a .toml file.{suggest(name, shipped)}")
    if (size := os.path.getsize(path)) > _LONGEST_RECIPE:
        raise CPCError(f"recipe {path} has {size:,} bytes, of at most {_LONGEST_RECIPE:,}: it is no recipe. Name another file.")
    try:
        return tomllib.loads(path.read_text(encoding="utf8"))
    # Of a file, of TOML, of a number of too many digits, and of lists in lists in lists.
    except (OSError, ValueError, RecursionError) as error:
        raise CPCError(f"recipe {path}: not valid TOML: {error}. Mend the file and run again.") from None


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


def resolve(recipe: Mapping[str, object], schema: Schema) -> Settings:
    """Every section complete with its defaults, checked against the signatures; all faults are reported in one CPCError."""
    settings: Settings = {}
    odd = [section for section, found in recipe.items() if (section in schema) != isinstance(found, Mapping)]
    faults = [f"[{section}] is not a section.{suggest(section, schema)}" for section in odd]
    for section, target in schema.items():
        given = dict(found) if isinstance(found := recipe.get(section, {}), Mapping) else {}
        if isinstance(target, Mapping):
            if isinstance(name := given.pop("name", None), str) and name in target:
                settings[section] = {"name": name, **_bind(section, target[name], given, faults)}
            else:
                faults.append(f"{section}.name = {shown(name)} is unknown.{suggest(str(name)[:_LONGEST_NAME], target)}")
        else:
            settings[section] = _bind(section, target, given, faults)
    if faults:
        more = [f"and {len(faults) - _MOST_FAULTS:,} more"] if len(faults) > _MOST_FAULTS else []
        raise CPCError("settings are not valid:", [*faults[:_MOST_FAULTS], *more])
    return settings


def construct(choices: Mapping[str, Callable[..., T]], section: Mapping[str, object], *given: object) -> T:
    """The object that a resolved section names, built from the program's positional arguments and the section's settings."""
    return choices[str(section["name"])](*given, **{key: value for key, value in section.items() if key != "name"})


def suggest(word: str, choices: Mapping[str, object] | Sequence[str]) -> str:
    """The end of an error message: the likely intended choice, or all of them."""
    close = nearest_name(word, choices)
    return f" Did you mean {close!r}?" if close else f" Choose one of: {', '.join(choices)}." if choices else ""


def _out_of_range(value: object) -> str:
    """The rule that a number among the values breaks, if any: every setting is finite, and no size is beyond what can be counted."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return next((odd for each in value if (odd := _out_of_range(each))), "")
    if isinstance(value, float) and not math.isfinite(value):
        return "a setting is a finite number"
    return f"a whole number of at most {_LARGEST:,}" if isinstance(value, int) and abs(value) > _LARGEST else ""


def _bind(section: str, target: Callable[..., object], given: Mapping[str, object], faults: list[str]) -> dict[str, object]:
    """The settings of `target`, given or by default. Those of a dataclass are its keyword-only fields."""
    from pydantic import TypeAdapter, ValidationError

    function = target.__init__ if inspect.isclass(target) else target
    parameters = {p.name: p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY}
    # Of the settings alone: other parameters may be of types that are not imported at run time.
    annotations = {name: p.annotation for name, p in parameters.items() if p.annotation is not p.empty}
    hints = get_type_hints(SimpleNamespace(__annotations__=annotations), inspect.unwrap(function).__globals__)
    bound: dict[str, object] = {name: p.default for name, p in parameters.items()}
    for made in fields(target) if is_dataclass(target) else ():
        if made.name in bound and made.default_factory is not MISSING:
            bound[made.name] = made.default_factory()
    for name, value in given.items():
        if name not in parameters:
            word = str(name)[:_LONGEST_NAME]
            faults.append(f"{section}.{word} is not a setting.{suggest(word, parameters)}")
            continue
        try:
            bound[name] = TypeAdapter(hints.get(name, Any)).validate_python(value)
        except ValidationError as error:
            faults.append(f"{section}.{name} = {shown(value)}: {error.errors(include_url=False)[0]['msg'].lower()}.")
        else:
            if odd := _out_of_range(bound[name]):
                faults.append(f"{section}.{name} = {shown(value)}: {odd}.")
    missing = [name for name, value in bound.items() if value is inspect.Parameter.empty and name not in given]
    faults += [f"{section}.{name} is required and has no default." for name in missing]
    return bound
