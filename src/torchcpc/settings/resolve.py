"""Complete the settings of a recipe, and check their types and ranges."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from torchcpc.contracts import CPCError, shown
from torchcpc.settings.renamed import RENAMED_SETTINGS
from torchcpc.settings.rules import REQUIRED, checked, parameters, suggest

_LONGEST_NAME = 80
_MOST_FAULTS = 20
Settings = dict[str, dict[str, Any]]
T = TypeVar("T")
# A section chooses from a dict by its `name`, or it configures one callable.
Schema = Mapping[str, Mapping[str, Callable[..., object]] | Callable[..., object]]


def resolve(recipe: Mapping[str, object], schema: Schema) -> Settings:
    """Return every section, checked against the signatures and completed with the defaults.

    Args:
        recipe: Sections and texts. Texts are ignored.
        schema: Section -> the callable that it configures, or name -> callable if the section chooses by `name`.

    Returns:
        The settings. Tuples become lists, as they are read back from a file.

    Raises:
        CPCError: Lists all faults at once.
    """
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
    if len(faults) == 1:
        raise CPCError(faults[0])
    if faults:
        more = [f"and {len(faults) - _MOST_FAULTS:,} more"] if len(faults) > _MOST_FAULTS else []
        raise CPCError("settings are not valid:", [*faults[:_MOST_FAULTS], *more])
    return settings


def construct(choices: Mapping[str, Callable[..., T]], section: Mapping[str, object], *given: object) -> T:
    """Build the object that a resolved section names.

    Args:
        choices: Name -> callable.
        section: A resolved section. Its settings become keyword arguments.
        given: Positional arguments, which the program supplies.
    """
    return choices[str(section["name"])](*given, **{key: value for key, value in section.items() if key != "name"})


def _bind(section: str, target: Callable[..., object], given: Mapping[str, object], faults: list[str]) -> dict[str, object]:
    """Return the settings of `target`, given or by default, and add to `faults` what is wrong with them."""
    known = parameters(target)
    bound = {name: parameter.default for name, parameter in known.items()}
    for name, value in given.items():
        if name not in known:
            word = str(name)[:_LONGEST_NAME]
            now = RENAMED_SETTINGS.get(f"{section}.{name}")
            advice = f"{now} now." if now else f"not a setting.{suggest(word, list(known))}"
            faults.append(f"{section}.{word} is {advice}")
            continue
        bound[name], fault = checked(value, known[name].annotation)
        if fault:
            faults.append(f"{section}.{name} = {shown(value)}: {fault}{'' if fault.endswith('?') else '.'}")
    missing = [name for name, value in bound.items() if value is REQUIRED and name not in given]
    faults += [f"{section}.{name} is required and has no default." for name in missing]
    return {name: list(value) if isinstance(value, list | tuple) else value for name, value in bound.items()}
