"""Settings that had another name in an older version."""

from collections.abc import Mapping
from typing import Any

# Old name -> new name, both as section.name. A recipe with an old name is refused. A file that torchcpc wrote itself is read.
RENAMED_SETTINGS = {"predictor.echo": "predictor.identity_scale"}


def current_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings from a file of any version under the names of today."""
    return _translate(settings, RENAMED_SETTINGS)


def first_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings under the first name that each ever had.

    A checkpoint stores a fingerprint of its settings. With first names, a rename does not change the fingerprint.
    """
    return _translate(settings, {new: old for old, new in RENAMED_SETTINGS.items()})


def _translate(settings: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a copy with new names. A section that is not a mapping stays as it is, to be refused later."""

    def renamed(section: str, name: str) -> str:
        return names.get(f"{section}.{name}", name).removeprefix(f"{section}.")

    return {
        section: {renamed(section, name): value for name, value in given.items()} if isinstance(given, Mapping) else given
        for section, given in settings.items()
    }
