"""The one exception, and checks that raise it."""

from collections.abc import Iterable, Sequence


class CPCError(Exception):
    """An error that the caller can correct. The message names the value, the rule that it breaks, and the next step.

    Args:
        message: The message, in one line.
        faults: Several faults, one line each, that follow the message.

    Attributes:
        lines: The message and the faults.
    """

    def __init__(self, message: str, faults: Sequence[str] = ()) -> None:
        super().__init__("\n  ".join([message, *faults]))
        self.lines = (message, *faults)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, such as "1 source" or "2 sources"."""
    return f"{number:,} {noun if number == 1 else plural or noun.removesuffix('s') + 's'}"


def check_rules(record: object, **rules: tuple[object, str]) -> None:
    """Raise CPCError for the first field of `record` that breaks its rule.

    Args:
        record: The object whose fields are checked.
        **rules: For each field, whether its value is allowed, and the rule in words.
    """
    for name, (kept, rule) in rules.items():
        if not kept:
            raise CPCError(f"{name} = {getattr(record, name)!r}: {rule}.")


def check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    """Raise CPCError if `value` is none of the choices."""
    if value not in choices:
        raise CPCError(f"{name} = {value!r} is unknown. Choose one of {', '.join(choices)}.")
