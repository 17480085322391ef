"""Settings: a recipe file and `key=value` overrides -> keyword arguments that the constructors themselves declare.

There is no schema beside the code: the keyword-only parameters of what a section names are its settings, their annotations its
types, their defaults its defaults. Positional parameters are supplied by the program and cannot be set.
"""

from __future__ import annotations

import difflib
import inspect
import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

from torchcpc.contracts import CPCError

Settings = dict[str, dict[str, Any]]
# A section either chooses by name from a dict, or configures the one callable.
Schema = Mapping[str, Mapping[str, Callable[..., Any]] | Callable[..., Any]]


def recipes() -> dict[str, Path]:
    """Name -> file of the recipes that ship with the package."""
    folder = Path(str(resources.files("torchcpc") / "recipes"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_recipe(name: str) -> dict[str, Any]:
    """The tables of a recipe: one that ships with the package, by name, or any TOML file, by path."""
    shipped = recipes()
    path = shipped.get(name) or Path(name)
    if path.suffix != ".toml" or not path.is_file():
        raise CPCError(f"recipe {name!r} is neither a shipped recipe nor a .toml file.{suggest(name, shipped)}")
    try:
        return tomllib.loads(path.read_text(encoding="utf8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CPCError(f"recipe {path}: not valid TOML: {error}. Mend the file and run again.") from None


def override(recipe: Mapping[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """The recipe with `section.key=value` applied; values are TOML (8, 2e-4, true, [10, 8]), anything else is taken as text."""
    tables = {key: dict(value) if isinstance(value, Mapping) else value for key, value in recipe.items()}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        section, dot, name = key.strip().partition(".")
        if not (equals and dot and section and name):
            raise CPCError(f"override {assignment!r}: expected section.key=value, for instance training.steps=1000.")
        try:
            value = tomllib.loads(f"value = {text.strip()}")["value"]
        except tomllib.TOMLDecodeError:
            value = text.strip()
        tables.setdefault(section, {})[name] = value
    return tables


def resolve(recipe: Mapping[str, Any], schema: Schema) -> Settings:
    """Every section complete with its defaults, checked against the signatures; all faults are reported in one CPCError."""
    faults: list[str] = []
    settings: Settings = {}
    for section in recipe:
        if section not in schema and isinstance(recipe[section], Mapping):
            faults.append(f"[{section}] is not a section.{suggest(section, schema)}")
    for section, target in schema.items():
        given = dict(recipe.get(section, {}))
        if isinstance(target, Mapping):
            name = given.pop("name", None)
            if name not in target:
                faults.append(f"{section}.name = {name!r} is unknown.{suggest(str(name), target)}")
                continue
            settings[section] = {"name": name, **_bind(section, target[name], given, faults)}
        else:
            settings[section] = _bind(section, target, given, faults)
    if faults:
        raise CPCError("settings are not valid:\n  " + "\n  ".join(faults))
    return settings


def construct(choices: Mapping[str, Callable[..., Any]], section: Mapping[str, Any], *given: Any) -> Any:
    """The object that a resolved section names, built from the program's positional arguments and the section's settings."""
    return choices[section["name"]](*given, **{key: value for key, value in section.items() if key != "name"})


def suggest(word: str, choices: Mapping[str, Any] | Sequence[str]) -> str:
    """The end of an error message: the likely intended choice, or all of them."""
    close = difflib.get_close_matches(word, list(choices), n=1)
    return f" Did you mean {close[0]!r}?" if close else f" Choose one of: {', '.join(choices)}."


def _bind(section: str, target: Callable[..., Any], given: dict[str, Any], faults: list[str]) -> dict[str, Any]:
    from pydantic import TypeAdapter, ValidationError

    function = target.__init__ if inspect.isclass(target) else target
    parameters = {
        p.name: p for p in inspect.signature(function).parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY
    }
    hints = get_type_hints(function)
    bound = {name: p.default for name, p in parameters.items()}
    for name, value in given.items():
        if name not in parameters:
            faults.append(f"{section}.{name} is not a setting.{suggest(name, parameters)}")
            continue
        try:
            bound[name] = TypeAdapter(hints.get(name, Any)).validate_python(value)
        except ValidationError as error:
            faults.append(f"{section}.{name} = {value!r}: {error.errors()[0]['msg'].lower()}.")
    faults.extend(
        f"{section}.{name} is required and has no default."
        for name, value in bound.items()
        if value is inspect.Parameter.empty and name not in given
    )
    return bound
