"""Annotations that say which values a setting may have: `dim: Size = 256`, `strategy: Annotated[str,
OneOf(STRATEGIES)]`.

`settings` checks these annotations before it builds anything, and `cpc recipes NAME` prints them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Gt, Le

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

# No layer and no picture is wider. The product of two such sizes is still smaller than the bytes of a disk.
_WIDEST = 1 << 20
Count = Annotated[int, Ge(1)]
"""A whole number, at least 1."""
Whole = Annotated[int, Ge(0)]
"""A whole number, at least 0."""
Size = Annotated[int, Ge(1), Le(_WIDEST)]
"""The width of a layer, of a row, or of a picture."""
Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
Share = Annotated[float, Ge(0), Le(1)]
"""A fraction or a probability."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """Marks a text that must be one of some names, for example the keys of a dict.

    Attributes:
        names: The allowed names.
    """

    names: Collection[str]

    def __get_pydantic_core_schema__(self, source: object, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.member, handler(source))

    def member(self, name: str) -> str:
        """Return the name. Raises ValueError if it is not allowed."""
        if name not in self.names:
            raise ValueError("not one of the choices")
        return name
