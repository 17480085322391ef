"""Build the specification of a question from keyword arguments."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TypeVar

from torchcpc.contracts import CPCError
from torchcpc.settings import suggest

S = TypeVar("S")


def specify(kind: type[S], given: Mapping[str, object]) -> S:
    """Return a `kind` with the given fields.

    Raises:
        CPCError: For a keyword that is no field of `kind`.
    """
    known = [field.name for field in fields(kind)]  # pyright: ignore[reportArgumentType]
    if unknown := [name for name in given if name not in known]:
        raise CPCError(f"{unknown[0]!r} is no option here.{suggest(unknown[0], known)}")
    return kind(**given)
