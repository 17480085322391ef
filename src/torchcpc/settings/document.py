"""Resolved settings as a recipe that documents itself: each setting with its meaning, type and choices, from the code that declares it."""

import inspect
import json
import re
from collections.abc import Callable, Mapping

from torchcpc.settings.resolve import Schema, Settings
from torchcpc.settings.rules import parameters, rule

_ENTRY = re.compile(r"    (\w+): (.*)")


def meanings(target: Callable[..., object]) -> dict[str, str]:
    """Parameter -> its entry under `Args:` in the docstring of `target`, on one line."""
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
    """The settings as TOML, a recipe themselves, with one line of comment above each. texts: title and the like, written first."""
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
    """A value of a setting. TOML's texts, numbers, truths and lists are those of JSON, but for one control character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
