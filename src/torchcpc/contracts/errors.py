"""The one exception, and the check that raises it for a setting."""

from collections.abc import Iterable, Sequence


class CPCError(Exception):
    """Anything the caller can mend. The message names the value, the rule it breaks and the next step; `lines`: it, and each of several
    faults."""

    def __init__(self, message: str, faults: Sequence[str] = ()) -> None:
        super().__init__("\n  ".join([message, *faults]))
        self.lines = (message, *faults)


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and what it counts: "1 source", "2 sources"."""
    return f"{number:,} {noun if number == 1 else plural or noun.removesuffix('s') + 's'}"


def check_rules(record: object, **rules: tuple[object, str]) -> None:
    """Raises CPCError for the first field of `record` that breaks its rule: name=(whether it keeps it, the rule in words)."""
    for name, (kept, rule) in rules.items():
        if not kept:
            raise CPCError(f"{name} = {getattr(record, name)!r}: {rule}.")


def check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    """Raises CPCError for a value that is none of the choices."""
    if value not in choices:
        raise CPCError(f"{name} = {value!r} is unknown. Choose one of {', '.join(choices)}.")
