"""Settings: a recipe file and `key=value` overrides -> keyword arguments that the constructors themselves declare.

There is no schema beside the code. The keyword-only parameters of what a section names are its settings, their annotations its types and
ranges, their defaults its defaults, and their entries under `Args:` its documentation. Positional parameters are supplied by the program
and cannot be set.
"""

from torchcpc.settings.document import meanings, written
from torchcpc.settings.files import RENAMED, Recipe, load_recipe, override, recipe_name, recipes
from torchcpc.settings.renamed import RENAMED_SETTINGS, current_names, first_names
from torchcpc.settings.resolve import Schema, Settings, construct, resolve
from torchcpc.settings.rules import parameters, rule, suggest

__all__ = ["RENAMED", "RENAMED_SETTINGS", "Recipe", "Schema", "Settings", "construct", "current_names", "first_names"]
__all__ += [
    "load_recipe",
    "meanings",
    "override",
    "parameters",
    "recipe_name",
    "recipes",
    "resolve",
    "rule",
    "suggest",
    "written",
]
