"""Label columns that a probe names, and the check that their values are classes."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from torchcpc.contracts import CPCError, Sources, counted, nearest_name
from torchcpc.data.labels import label_columns
from torchcpc.data.names import matching

# A column with more different numbers than this, some of them fractions, is a measurement.
_MOST_NUMBERS = 20
_MOST_NAMED = 9


def column_values(sources: Sources, column: str, option: str) -> list[str]:
    """Return the label of each source in a column.

    Args:
        sources: The sources.
        column: The column.
        option: The option that named the column, in words, for the message.

    Raises:
        CPCError: If no source has such a label.
    """
    values = sources.labels(column)
    if not any(values):
        known = known_columns(sources)
        there = f"Their labels: {listed(column, known)}" if known else "They have no labels at all: add a column."
        raise CPCError(f"{option} {column!r}: none of these sources has such a label. {there}")
    return values


def known_columns(sources: Sources) -> list[str]:
    """Return the names of all label columns.

    Some readers call the group by another name, and it can be a label without being a column.
    """
    offered = [name for name in ("speaker", "group") if any(sources.labels(name))]
    return sorted({*label_columns(sources.items), *offered})


def listed(word: str, choices: Sequence[str]) -> str:
    """Return the end of a message: all choices, and the one that is probably meant."""
    near = nearest_name(word, choices)
    return f"{', '.join(choices)}.{f' Did you mean {near!r}?' if near else ''}"


def unsuited(values: Sequence[str], noun: str = "source", *, single: bool = False) -> str:
    """Return why labels cannot be classes, or "" if they can.

    Args:
        values: The labels, one of each `noun`.
        noun: What has a label.
        single: Whether a class may have a single member. That is so if every source both trains and tests.
    """
    counts = Counter(filter(None, values))
    number, alone = counts.total(), sum(count == 1 for count in counts.values())
    if len(counts) > _MOST_NUMBERS and any(map(_has_fraction, counts)) and all(map(_is_number, counts)):
        return f"{counted(len(counts), 'different number')} in {counted(number, noun)}, which measure something and are not classes"
    if len(counts) > 2 and 2 * alone > number and not single:
        return f"{counted(len(counts), 'different value')} in {counted(number, noun)}, {alone:,} of them in one {noun} only"
    return ""


def check_suited(column: str, sources: Sources, *, single: bool = False) -> None:
    """Check that the labels of sources in a column are classes.

    Args:
        column: The column.
        sources: The sources.
        single: Whether a class may have a single member, see `unsuited`.

    Raises:
        CPCError: If they are not. The message names the columns that are.
    """
    if not (why := unsuited(sources.labels(column), single=single)):
        return
    others = {name: sources.labels(name) for name in known_columns(sources) if name != column}
    number = {name: len(set(own) - {""}) for name, own in others.items() if not unsuited(own, single=single)}
    suited = [f"{name} ({classes:,} classes)" for name, classes in number.items() if classes > 1]
    more = f" and {len(suited) - _MOST_NAMED:,} more" if len(suited) > _MOST_NAMED else ""
    instead = f"Columns of classes: {', '.join(suited[:_MOST_NAMED])}{more}." if suited else "Add a column of classes."
    # If each speaker has one recording, the speaker can still be predicted on other seconds of it.
    within = " Or train and test on parts of each source: --within 0.7 --clip-seconds 1." if why.endswith("only") else ""
    raise CPCError(f"label {column!r} is unsuited to classification: {why}. {instead}{within}")


def _is_number(value: str) -> bool:
    try:
        float(value.replace(",", "."))
    except ValueError:
        return False
    return True


def _has_fraction(value: str) -> bool:
    return _is_number(value) and not float(value.replace(",", ".")).is_integer()


def test_roots(sources: Sources, tested: Collection[int], others: Collection[int]) -> tuple[str, ...]:
    """Return the names of the data that form the test part.

    If the test part is not a whole piece of the data, there are none.
    """
    test, rest = ({sources.items[i].root for i in part} for part in (tested, others))
    return tuple(sorted(Path(root).name for root in test)) if rest and "" not in test and not test & rest else ()


def tested_values(sources: Sources, column: str, value: str) -> set[str]:
    """Return the values of `column` that `value` means.

    Raises:
        CPCError: If no source has such a value.
    """
    values = set(column_values(sources, column, "test on")) - {""}
    if not (meant := matching(value, values)):
        known, near = sorted(values), nearest_name(value, sorted(values))
        named = ", ".join(known[:_MOST_NAMED]) + ", ..." * (len(known) > _MOST_NAMED)
        close = f" Did you mean {near!r}?" if near else ""
        raise CPCError(f"test on '{column}={value}': no source has it. Values of {column}: {named}.{close}")
    return meant
