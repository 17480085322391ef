"""Split sources into parts for training and for validation: always whole sources, never windows of one."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Annotated, NamedTuple

from annotated_types import Gt, Lt

from torchcpc.contracts import CPCError, Divisible, Sources, counted, provides
from torchcpc.data.names import SPLIT, TEST, TRAIN, VALIDATION, alike, part_of


def by_source(keys: Sequence[str], fractions: Mapping[str, float], *, seed: int = 0) -> dict[str, list[int]]:
    """Split sources at random.

    The order is a hash of (seed, key), so a new source moves few of the others. Counts are exact to one source. A part with
    a fraction above zero is never empty.

    Args:
        keys: Keys of the sources.
        fractions: Fraction of each part, by its name. They sum to 1.
        seed: Seed of the order.

    Returns:
        Positions of the sources, by part.

    Raises:
        CPCError: If there are too few sources, or the fractions are invalid.
    """
    wanted = {name: fraction for name, fraction in fractions.items() if fraction > 0}
    if any(not 0 <= fraction <= 1 for fraction in fractions.values()) or abs(sum(fractions.values()) - 1) > 1e-9:
        raise CPCError(f"fractions {dict(fractions)}: each lies between 0 and 1, and they must sum to 1.")
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


def halves(keys: Sequence[str], groups: Sequence[str], *, seed: int = 0) -> tuple[list[int], list[int]]:
    """Split sources into two halves at random, each group on its own.

    Groups of one source are split together. Neither half is empty.

    Args:
        keys: Keys of the sources.
        groups: Group of each source.
        seed: Seed of the order.

    Returns:
        Positions of the sources in each half.

    Raises:
        CPCError: If there are fewer than two sources.
    """
    if len(keys) < 2:
        raise CPCError(f"{counted(len(keys), 'source')} cannot be split into two halves. Add sources.")
    members: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        members.setdefault(group, []).append(i)
    several = [own for own in members.values() if len(own) > 1]
    single = [own[0] for own in members.values() if len(own) == 1]
    found: tuple[list[int], list[int]] = ([], [])
    for own in [*several, single] if len(single) > 1 else several:
        parts = by_source([keys[i] for i in own], {"first": 0.5, "second": 0.5}, seed=seed)
        for half, name in zip(found, ("first", "second"), strict=True):
            half.extend(own[i] for i in parts[name])
    if len(single) == 1:
        found[0].extend(single)
    return sorted(found[0]), sorted(found[1])


def by_column(values: Sequence[str]) -> dict[str, list[int]]:
    """Return the positions of the sources by their value: the split that came with the data.

    Args:
        values: Value of each source.
    """
    return {value: [i for i, v in enumerate(values) if v == value] for value in dict.fromkeys(values)}


class Parts(NamedTuple):
    """Parts of the sources, by position.

    Attributes:
        train: Sources for training.
        validation: Sources for validation.
        unseen: Sources that must stay unseen.
    """

    train: list[int]
    validation: list[int]
    unseen: list[int]


# Data with a test or a validation part keep it. For other data such a rule has no effect.
_MAY_BE_IDLE = (TEST, VALIDATION)


def hold_out(
    sources: Sources,
    seed: int = 0,
    *,
    validation: Annotated[float, Gt(0), Lt(1)] = 0.1,
    exclude: Sequence[str] = ("split=test",),
) -> Parts:
    """Hold out a fraction of the sources for validation, and exclude others.

    Columns and values are compared by `data.names`: case and blanks do not matter, and the parts of a split have several
    names. If a split has a test part, values that name no part are excluded with it.

    Args:
        sources: The sources.
        seed: Seed of the split.
        validation: Share of the remaining sources that is held out to measure the bound and to choose the best weights.
        exclude: Sources that are not touched, each as "column=value", for instance "speaker=george".

    Returns:
        The sources to train on, to validate on, and to leave unseen.

    Raises:
        CPCError: If a rule matches no source, or no source remains. A misspelled rule would train on sources that must stay
            unseen. Only rules for the test and the validation part of `split` may match nothing.
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
    """Check that each rule has the form column=value.

    Args:
        exclude: The rules.

    Raises:
        CPCError: If one does not.
    """
    for rule in exclude:
        column, equals, value = map(str.strip, rule.partition("="))
        if not (column and equals and value):
            raise CPCError(f"split.exclude = {rule!r}: expected column=value, for instance speaker=george.")


def excluded(sources: Sources, exclude: Sequence[str]) -> set[int]:
    """Return the positions of the sources that match the rules of `hold_out`.

    Args:
        sources: The sources.
        exclude: The rules.

    Raises:
        CPCError: If a rule matches no source.
    """
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
    """Cut a source in time if it is the only one that is not excluded; return all other sources unchanged.

    Args:
        sources: The sources.
        length: Smallest length of a stretch, in positions, if the source is long enough.
        exclude: Rules for sources that are not touched, see `hold_out`.
        most: Largest number of stretches. There are at least 2.
    """
    seen = sorted(set(range(len(sources))) - excluded(sources, exclude))
    if len(seen) != 1 or not provides(sources, Divisible) or (size := sources.length(seen[0])) < 2:
        return sources
    count = min(max(size // length, 2), most)
    return sources.divided(seen[0], [number * size // count for number in range(count)])


def unknown_part(values: Sequence[str]) -> set[int]:
    """Return the positions of values of a split that name no part, if others do.

    They may be a test part under another name.

    Args:
        values: Value of each source.
    """
    return {i for i, value in enumerate(values) if value and not part_of(value)} if any(map(part_of, values)) else set()


def given_parts(sources: Sources) -> list[str] | None:
    """Return the part of each source in a probe, by the split that came with the data.

    Args:
        sources: The sources.

    Returns:
        "test" or "train" for each source, where "train" covers all other parts, and "" if it names no part. None if no
        source names a part.
    """
    parts = [part_of(value) for value in sources.labels(SPLIT)]
    return [part and (TEST if part == TEST else TRAIN) for part in parts] if any(parts) else None
