"""What a setting may be, said where it is declared: `dim: Size = 256`, `strategy: Annotated[str, OneOf(STRATEGIES)]`.

`settings` checks these annotations before anything is made, and `cpc recipes NAME` prints them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Gt, Le

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

# No layer of a network is wider, and no picture; a product of two such sizes still has fewer numbers than a disk has bytes.
_WIDEST = 1 << 20
Count = Annotated[int, Ge(1)]
"""A number of things of which there is at least one."""
Whole = Annotated[int, Ge(0)]
"""A number of things, or 0 for none."""
Size = Annotated[int, Ge(1), Le(_WIDEST)]
"""The width of a layer, of a row, or of a picture."""
Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
Share = Annotated[float, Ge(0), Le(1)]
"""A fraction or a probability."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """Marks a text that is one of some names, for instance of the keys of a dict of choices."""

    names: Collection[str]

    def __get_pydantic_core_schema__(self, source: object, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.member, handler(source))

    def member(self, name: str) -> str:
        """The name. Raises ValueError for one that is no choice."""
        if name not in self.names:
            raise ValueError("not one of the choices")
        return name
