"""Who is learned from and who is held out: always whole sources, never windows of one."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from torchcpc.contracts import CPCError, Sources


def by_source(keys: Sequence[str], fractions: Mapping[str, float], *, seed: int = 0) -> dict[str, list[int]]:
    """Part name -> positions of its sources. The order is a hash of (seed, key): adding a source moves few of the others. Counts are exact
    to one source; a part with a fraction above zero is never empty. Raises CPCError for too few sources."""
    wanted = {name: fraction for name, fraction in fractions.items() if fraction > 0}
    if any(not 0 <= fraction <= 1 for fraction in fractions.values()) or abs(sum(fractions.values()) - 1) > 1e-9:
        raise CPCError(f"fractions {dict(fractions)}: each lies between 0 and 1, and together they make 1.")
    if len(keys) < len(wanted):
        raise CPCError(f"{len(keys)} sources cannot be split into {len(wanted)} parts ({', '.join(wanted)}). Add sources.")
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
_GIVEN = ("split=test", "split=val")


def hold_out(sources: Sources, seed: int = 0, *, validation: float = 0.1, exclude: Sequence[str] = _GIVEN[:1]) -> Parts:
    """The sources to train on, with a fraction of them held out for validation; those that `exclude` names are not touched. exclude:
    "column=value" each, for instance "speaker=george". A rule that no source meets is a fault, for a slip in it would train on what was to
    stay unseen; only "split=test" and "split=val" may stand idle. Raises CPCError for such a rule, and if nothing remains."""
    if not 0 <= validation < 1:
        raise CPCError(f"split.validation = {validation}: a fraction of the sources, at least 0 and less than 1.")
    unseen: set[int] = set()
    for rule in exclude:
        column, equals, value = rule.partition("=")
        if not equals:
            raise CPCError(f"split.exclude = {rule!r}: expected column=value, for instance speaker=george.")
        labels = sources.labels(column)
        met = {i for i, label in enumerate(labels) if label == value}
        if not met and rule not in _GIVEN:
            known = ", ".join(sorted(set(labels) - {""})[:9]) or "none"
            raise CPCError(
                f"split.exclude = {rule!r}: no source has it (values of {column}: {known}). Correct or remove the rule."
            )
        unseen |= met
    seen = [i for i in range(len(sources)) if i not in unseen]
    if not seen:
        raise CPCError(f"split.exclude = {list(exclude)} leaves no source to train on. Exclude less.")
    parts = by_source([sources.items[i].key for i in seen], {"train": 1 - validation, "validation": validation}, seed=seed)
    return Parts([seen[i] for i in parts["train"]], [seen[i] for i in parts["validation"]], sorted(unseen))
