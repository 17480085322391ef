"""Who is learned from and who is held out: always whole sources, never windows of one."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Annotated, NamedTuple

from annotated_types import Gt, Lt

from torchcpc.contracts import CPCError, Divisible, Sources, counted, provides
from torchcpc.data.names import SPLIT, TEST, TRAIN, VALIDATION, alike, part_of


def by_source(keys: Sequence[str], fractions: Mapping[str, float], *, seed: int = 0) -> dict[str, list[int]]:
    """Part name -> positions of its sources. The order is a hash of (seed, key): adding a source moves few of the others. Counts are exact
    to one source; a part with a fraction above zero is never empty. Raises CPCError for too few sources."""
    wanted = {name: fraction for name, fraction in fractions.items() if fraction > 0}
    if any(not 0 <= fraction <= 1 for fraction in fractions.values()) or abs(sum(fractions.values()) - 1) > 1e-9:
        raise CPCError(f"fractions {dict(fractions)}: each lies between 0 and 1, and together they make 1.")
    if len(keys) < len(wanted):
        into = f"{counted(len(wanted), 'part')} ({', '.join(wanted)})"
        raise CPCError(f"{counted(len(keys), 'source')} cannot be split into {into}. Add sources.")
    order = sorted(range(len(keys)), key=lambda i: blake2b(f"{seed}\0{keys[i]}".encode(), digest_size=16).digest())
    parts: dict[str, list[int]] = {name: [] for name in fractions}
    begun, share = 0, 0.0
    for number, name in enumerate(wanted):
        share += wanted[name]
        later = len(wanted) - number - 1
        end = len(keys) if not later else min(max(round(share * len(keys)), begun + 1), len(keys) - later)
        parts[name] = sorted(order[begun:end])
        begun = end
    return parts


def by_column(values: Sequence[str]) -> dict[str, list[int]]:
    """Value -> positions of the sources that bear it: the split that came with the data."""
    return {value: [i for i, v in enumerate(values) if v == value] for value in dict.fromkeys(values)}


class Parts(NamedTuple):
    """Positions of the sources to train on, to validate on, and not to be seen."""

    train: list[int]
    validation: list[int]
    unseen: list[int]


# Data that comes with a test or a validation part keeps it; for data without one the rule is idle.
_MAY_BE_IDLE = (TEST, VALIDATION)


def hold_out(
    sources: Sources,
    seed: int = 0,
    *,
    validation: Annotated[float, Gt(0), Lt(1)] = 0.1,
    exclude: Sequence[str] = ("split=test",),
) -> Parts:
    """The sources to train on, with a fraction of them held out for validation; those that `exclude` names are not touched.

    Columns and values are compared by `data.names`: without regard to case and blanks, parts of a split by any of their names. Where a
    split has a test part, its values that name no part are left out with it.

    Args:
        validation: Share of the remaining sources that is held out to measure the bound and to choose the best weights.
        exclude: Sources that are not touched, each as "column=value", for instance "speaker=george".

    Raises:
        CPCError: For a rule that no source meets, since a slip in it would train on what was to stay unseen; only those of the test part
            and the validation part of `split` may be idle. And if nothing remains.
    """
    if not 0 <= validation < 1:
        raise CPCError(f"split.validation = {validation}: a fraction of the sources, at least 0 and less than 1.")
    unseen = excluded(sources, exclude)
    seen = [i for i in range(len(sources)) if i not in unseen]
    if not seen:
        raise CPCError(f"split.exclude = {list(exclude)} leaves no source to train on. Exclude less.")
    parts = by_source([sources.items[i].key for i in seen], {"train": 1 - validation, "validation": validation}, seed=seed)
    return Parts([seen[i] for i in parts["train"]], [seen[i] for i in parts["validation"]], sorted(unseen))


def check_rules_of_exclusion(exclude: Sequence[str]) -> None:
    """Raises CPCError for a rule that is not of the form column=value."""
    for rule in exclude:
        column, equals, value = map(str.strip, rule.partition("="))
        if not (column and equals and value):
            raise CPCError(f"split.exclude = {rule!r}: expected column=value, for instance speaker=george.")


def excluded(sources: Sources, exclude: Sequence[str]) -> set[int]:
    """Positions of the sources that the rules of `hold_out` name. Raises CPCError for a rule that no source meets."""
    check_rules_of_exclusion(exclude)
    unseen: set[int] = set()
    for rule in exclude:
        column, _, value = map(str.strip, rule.partition("="))
        labels = sources.labels(column)
        part = part_of(value) if alike(column) == SPLIT else ""
        met = {
            i for i, label in enumerate(labels) if label and (alike(label) == alike(value) or (part and part_of(label) == part))
        }
        if part == TEST:
            met |= unknown_part(labels)
        if not met and part not in _MAY_BE_IDLE:
            known = ", ".join(sorted(set(labels) - {""})[:9]) or "none"
            raise CPCError(
                f"split.exclude = {rule!r}: no source has it (values of {column}: {known}). Correct or remove the rule."
            )
        unseen |= met
    return unseen


def in_time(sources: Sources, *, length: int, exclude: Sequence[str], most: int = 10) -> Sources:
    """The sources to split: a single one that is not excluded is cut in time, into 2 to `most` stretches, of `length` positions or more
    where it is long enough. All others are as they are."""
    seen = sorted(set(range(len(sources))) - excluded(sources, exclude))
    if len(seen) != 1 or not provides(sources, Divisible) or (size := sources.length(seen[0])) < 2:
        return sources
    count = min(max(size // length, 2), most)
    return sources.divided(seen[0], [number * size // count for number in range(count)])


def unknown_part(values: Sequence[str]) -> set[int]:
    """Positions of the values of a split that name no part, where others do: they may be a test part under another name."""
    return {i for i, value in enumerate(values) if value and not part_of(value)} if any(map(part_of, values)) else set()


def given_parts(sources: Sources) -> list[str] | None:
    """Who takes part in a question by the data's own split: of each source "test", "train" for all other parts, or "" where it names none.
    None where no source names a part."""
    parts = [part_of(value) for value in sources.labels(SPLIT)]
    return [part and (TEST if part == TEST else TRAIN) for part in parts] if any(parts) else None
