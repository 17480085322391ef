"""Options of a probe that exclude each other, with the reasons. The check and the help use the same table."""

from collections.abc import Collection
from textwrap import wrap
from typing import NamedTuple

from torchcpc.contracts import CPCError

_WHOLE = "folds test every source as a whole"


class Exclusion(NamedTuple):
    """Two options that exclude each other.

    Attributes:
        one: An option, as on the command line.
        other: Another one.
        reason: Why one of them has to be left out.
    """

    one: str
    other: str
    reason: str


EXCLUSIONS = (
    Exclusion("--folds", "--alignment", f"{_WHOLE}, and an alignment labels its frames"),
    Exclusion("--folds", "--unit frame", f"{_WHOLE}, and a frame is a part of one"),
    Exclusion("--folds", "--delay", f"{_WHOLE}, and a delay applies to frames"),
    Exclusion("--folds", "--every", f"{_WHOLE}, and --every applies to frames"),
    Exclusion("--folds", "--per-event", f"{_WHOLE}, and an event is a part of one"),
    Exclusion("--folds", "--clip-seconds", f"{_WHOLE}, and clips are parts of one"),
    Exclusion("--folds", "--within", f"{_WHOLE}, and --within trains and tests on parts of the same source"),
    Exclusion("--folds", "--test-on", "both choose the test part"),
    Exclusion(
        "--folds",
        "--validate-across",
        "an inner cross-validation selects the penalty; --fold-by keeps new values for the test",
    ),
    Exclusion("--folds", "--validation", "an inner cross-validation selects the penalty and needs no validation part"),
    Exclusion("--folds", "--standardise-by", "a cross-validation does not normalise frames; a single split does"),
    Exclusion(
        "--folds", "--class-weight", "a cross-validation gives all rows the same weight; a single split can weight classes"
    ),
    Exclusion("--folds", "--probes MLP", "a cross-validation fits the linear probe only; a single split fits the MLP, too"),
    Exclusion("--folds", "--curve", "a label-efficiency curve is drawn for a single split only"),
    Exclusion("--folds", "--supervised-curve", "a label-efficiency curve is drawn for a single split only"),
    Exclusion("--test-data", "--test-on", "both choose the test part"),
    Exclusion("--test-data", "--within", "both choose the test part"),
    Exclusion("--test-on", "--within", "both choose the test part"),
    Exclusion("--per-event", "--within", "the clip of an event is in one part as a whole"),
    Exclusion("--per-event", "--unit recording", "the clip of an event has one row, its last step"),
)


def check_exclusions(given: Collection[str]) -> None:
    """Check that no two options exclude each other.

    Args:
        given: The options that were set, as on the command line.

    Raises:
        CPCError: For the first pair that does.
    """
    for one, other, reason in EXCLUSIONS:
        if one in given and other in given:
            raise CPCError(f"{one} and {other}: {reason}. Leave one of them out.")


def excluded_by_folds() -> set[str]:
    """Return the options that exclude a cross-validation."""
    return {other for one, other, _ in EXCLUSIONS if one == "--folds"}


def help_text(width: int = 79) -> str:
    """Return the pairs in words, for the end of the help. Names of options are not broken at a hyphen."""
    by_first: dict[str, list[str]] = {}
    for one, other, _ in EXCLUSIONS:
        by_first.setdefault(one, []).append(other)
    lines = ["options that exclude each other (the error says why):"]
    for one, others in by_first.items():
        text = f"  {one} with any of {', '.join(others)}" if len(others) > 1 else f"  {one} with {others[0]}"
        lines += wrap(text, width, subsequent_indent="    ", break_on_hyphens=False, drop_whitespace=True)
    return "\n".join(lines)
