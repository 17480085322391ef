"""The rules of settings: the annotation of a parameter, as a check and in words."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import SimpleNamespace
from typing import Annotated, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt, MinLen

from torchcpc.contracts import OneOf, nearest_name

# Seeds have 32 bits, and so have the largest sizes that torch multiplies.
_LARGEST = 2**32 - 1
_WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text"}
REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of a callable.

    Attributes:
        annotation: The resolved annotation, with its ranges.
        default: The default, or REQUIRED if there is none.
    """

    annotation: object
    default: object


@cache
def parameters(target: Callable[..., object]) -> Mapping[str, Parameter]:
    """Return the settings of `target`: its keyword-only parameters, or the keyword-only fields of a dataclass."""
    function = target.__init__ if inspect.isclass(target) else target
    found = {p.name: p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY}
    # Only the settings are resolved: other parameters may have types that are not imported at run time.
    annotations = {name: p.annotation for name, p in found.items() if p.annotation is not p.empty}
    space = SimpleNamespace(__annotations__=annotations)
    hints = get_type_hints(space, inspect.unwrap(function).__globals__, include_extras=True)
    defaults = {name: p.default for name, p in found.items()}
    for made in fields(target) if is_dataclass(target) else ():
        if made.name in defaults and made.default_factory is not MISSING:
            defaults[made.name] = made.default_factory()
    return {name: Parameter(hints.get(name, object), default) for name, default in defaults.items()}


def checked(value: object, annotation: object) -> tuple[object, str]:
    """Check a value against an annotation.

    Returns:
        The value, converted to the annotated type, and the rule that it breaks ("" if none). The rule suggests the likely choice.
    """
    from pydantic import TypeAdapter, ValidationError

    # pydantic, like Python, takes true as the number 1.
    if isinstance(value, bool) and _kind(annotation) in (int, float):
        return value, rule(annotation)
    entries = get_args(_kind(annotation))
    if isinstance(value, str) and entries and _kind(entries[0]) is str:
        value = [value] if value else []  # a single text stands for a list of one
    try:
        value = TypeAdapter(annotation).validate_python(value)  # pyright: ignore[reportArgumentType]
    except ValidationError as error:
        said = error.errors(include_url=False)[0]["msg"].lower()
        return value, _with_choice(value, annotation) or rule(annotation) or said
    return value, _out_of_range(value)


def rule(annotation: object) -> str:
    """Return an annotation in words, such as "whole number, at least 1", or "" for a type that a recipe cannot hold."""
    kind, marks = _kind(annotation), _marks(annotation)
    if names := _names(marks):
        return f"one of {', '.join(names)}"
    if get_origin(kind) is not None and get_args(kind):
        entry = rule(get_args(kind)[0])
        return f"list{' that is not empty' * any(isinstance(m, MinLen) for m in marks)}, each entry: {entry}"
    return ", ".join(filter(None, (_WORDS.get(kind, ""), _range(marks))))  # pyright: ignore[reportArgumentType]


def suggest(word: str, choices: Mapping[str, object] | Sequence[str]) -> str:
    """Return the end of an error message: the choice that was probably meant, or all choices."""
    close = nearest_name(word, choices)
    return f" Did you mean {close!r}?" if close else f" Choose one of: {', '.join(choices)}." if choices else ""


def _kind(annotation: object) -> object:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _marks(annotation: object) -> tuple[object, ...]:
    return get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()


def _names(marks: Sequence[object]) -> list[str]:
    """Return the choices that the marks list, if any."""
    for mark in marks:
        match mark:
            case OneOf(names=names):
                return list(names)
            case _:
                pass
    return []


def _range(marks: Sequence[object]) -> str:
    low = high = ""
    for mark in marks:
        match mark:
            case Ge(ge=limit):
                low = f"at least {_number(limit)}"
            case Gt(gt=limit):
                low = f"above {_number(limit)}"
            case Le(le=limit):
                high = f"at most {_number(limit)}"
            case Lt(lt=limit):
                high = f"below {_number(limit)}"
            case _:
                pass
    if low.startswith("at least") and high.startswith("at most"):
        return f"{low.removeprefix('at least ')} to {high.removeprefix('at most ')}"
    return " and ".join(filter(None, (low, high)))


def _number(limit: object) -> str:
    return f"{limit:,.15g}" if isinstance(limit, int | float) else str(limit)


def _with_choice(value: object, annotation: object) -> str:
    close = nearest_name(str(value)[:80], _names(_marks(annotation)))
    return f"{rule(annotation)}. Did you mean {close!r}?" if close else ""


def _out_of_range(value: object) -> str:
    """Return the rule that a number among the values breaks, or "": numbers are finite and not too large."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return next((odd for each in value if (odd := _out_of_range(each))), "")
    if isinstance(value, float) and not math.isfinite(value):
        return "a setting is a finite number"
    return f"a whole number of at most {_LARGEST:,}" if isinstance(value, int) and abs(value) > _LARGEST else ""
