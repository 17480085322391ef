"""Options of a probe that exclude each other, and why: one table, which checks them and tells of them in the help."""

from collections.abc import Collection
from textwrap import wrap
from typing import NamedTuple

from torchcpc.contracts import CPCError

_WHOLE = "folds test every source as a whole"


class Exclusion(NamedTuple):
    """Two options, as the command line writes them, and the true reason why one of them has to be left out."""

    one: str
    other: str
    reason: str


EXCLUSIONS = (
    Exclusion("--folds", "--alignment", f"{_WHOLE}, and an alignment labels its frames"),
    Exclusion("--folds", "--unit frame", f"{_WHOLE}, and a frame is a part of one"),
    Exclusion("--folds", "--delay", f"{_WHOLE}, and a delay is of frames"),
    Exclusion("--folds", "--every", f"{_WHOLE}, and every N-th is of frames"),
    Exclusion("--folds", "--per-event", f"{_WHOLE}, and an event is a part of one"),
    Exclusion("--folds", "--clip-seconds", f"{_WHOLE}, and clips cut it up"),
    Exclusion("--folds", "--within", f"{_WHOLE}, and a share within each would train and test on it"),
    Exclusion("--folds", "--test-on", "both say what is tested on"),
    Exclusion(
        "--folds",
        "--validate-across",
        "folds select penalties by an inner cross-validation; --fold-by keeps new values for the test",
    ),
    Exclusion("--folds", "--validation", "folds select penalties by an inner cross-validation, which needs no validation part"),
    Exclusion("--folds", "--standardise-by", "folds of whole sources do not normalise frames; a single split does"),
    Exclusion("--folds", "--class-weight", "the cross-validated regressions count all rows alike; a single split weighs them"),
    Exclusion("--folds", "--probes MLP", "a cross-validation fits the linear probe only; a single split fits the MLP, too"),
    Exclusion("--folds", "--curve", "a label-efficiency curve is drawn for a single split only"),
    Exclusion("--folds", "--supervised-curve", "a label-efficiency curve is drawn for a single split only"),
    Exclusion("--test-data", "--test-on", "both say what is tested on"),
    Exclusion("--test-data", "--within", "both say what is tested on"),
    Exclusion("--test-on", "--within", "both say what is tested on"),
    Exclusion("--per-event", "--within", "a clip for each event is tested or trained on as a whole"),
    Exclusion("--per-event", "--unit recording", "a clip for each event has one row, its last step"),
)


def check_exclusions(given: Collection[str]) -> None:
    """Raises CPCError for the first pair that is given."""
    for one, other, reason in EXCLUSIONS:
        if one in given and other in given:
            raise CPCError(f"{one} and {other}: {reason}. Leave one of them out.")


def excluded_by_folds() -> set[str]:
    """What speaks against a cross-validation where none was asked for."""
    return {other for one, other, _ in EXCLUSIONS if one == "--folds"}


def help_text(width: int = 79) -> str:
    """The pairs in words, for the end of the help. Names of options are not broken at a hyphen."""
    by_first: dict[str, list[str]] = {}
    for one, other, _ in EXCLUSIONS:
        by_first.setdefault(one, []).append(other)
    lines = ["options that exclude each other (the error says why):"]
    for one, others in by_first.items():
        text = f"  {one} with any of {', '.join(others)}" if len(others) > 1 else f"  {one} with {others[0]}"
        lines += wrap(text, width, subsequent_indent="    ", break_on_hyphens=False, drop_whitespace=True)
    return "\n".join(lines)
