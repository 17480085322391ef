"""Settings: turn a recipe file and `key=value` overrides into checked keyword arguments.

The code itself is the schema. The section of a recipe names a class or a function, and its keyword-only parameters are the settings:

- The annotation of a parameter gives the type and the range of the setting.
- The default of the parameter is the default of the setting.
- The entry under `Args:` is the documentation of the setting.

The program supplies the positional parameters. A recipe cannot set them.
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
