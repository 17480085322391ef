"""Write resolved settings as a recipe that explains itself.

Each setting gets a comment with its meaning, type and choices. These come from the code that declares the setting.
"""

import inspect
import json
import re
from collections.abc import Callable, Mapping

from torchcpc.settings.resolve import Schema, Settings
from torchcpc.settings.rules import parameters, rule

_ENTRY = re.compile(r"    (\w+): (.*)")


def meanings(target: Callable[..., object]) -> dict[str, str]:
    """Return the documentation of each parameter of `target`.

    Returns:
        Parameter -> its entry under `Args:` in the docstring of `target`, on one line.
    """
    found: dict[str, str] = {}
    name = ""
    _, _, listed = inspect.cleandoc(target.__doc__ or "").partition("\nArgs:\n")
    for line in listed.split("\n"):
        if line and not line.startswith("    "):
            break
        if entry := _ENTRY.fullmatch(line):
            name, found[entry[1]] = entry[1], entry[2]
        elif name and line.strip():
            found[name] += f" {line.strip()}"
    return found


def written(settings: Settings, schema: Schema, texts: Mapping[str, str]) -> str:
    """Return the settings as TOML, with one line of comment above each. The result is a recipe too.

    Args:
        settings: Complete settings, as `resolve` returns them.
        schema: The sections of a recipe, see `resolve`.
        texts: Title and other texts of the recipe, which are written first.
    """
    lines = [f"{name} = {_toml(text)}" for name, text in texts.items()]
    for section, own in settings.items():
        choices = schema[section]
        target = choices[own["name"]] if isinstance(choices, Mapping) else choices
        known, said = parameters(target), meanings(target)
        lines += ["", f"[{section}]"]
        if isinstance(choices, Mapping):
            lines += [f"# Kind of {section}. One of {', '.join(choices)}.", f"name = {_toml(own['name'])}"]
        for name, value in own.items():
            if name in known:
                kind = rule(known[name].annotation)
                comment = " ".join(filter(None, (said.get(name, ""), f"{kind[:1].upper()}{kind[1:]}." if kind else "")))
                lines += [f"# {comment}".rstrip(), f"{name} = {_toml(value)}"]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """Return a value as TOML. It writes values as JSON does, except for one control character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
