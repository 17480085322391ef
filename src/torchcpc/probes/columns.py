"""Label columns that a probe names: their values, or what there is instead, and whether these are classes."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from torchcpc.contracts import CPCError, Sources, counted, nearest_name
from torchcpc.data.labels import label_columns
from torchcpc.data.names import matching

# More different numbers than this, with fractions, are a measurement.
_MOST_NUMBERS = 20
_MOST_NAMED = 9


def column_values(sources: Sources, column: str, option: str) -> list[str]:
    """The label of each source in `column`. option: what named the column, in words. Raises CPCError where no source has such a label."""
    values = sources.labels(column)
    if not any(values):
        known = known_columns(sources)
        there = f"Their labels: {listed(column, known)}" if known else "They have no labels at all: add a column."
        raise CPCError(f"{option} {column!r}: none of these sources has such a label. {there}")
    return values


def known_columns(sources: Sources) -> list[str]:
    """The columns that can be named. The group has a name of its own in some readers, and is a label without being a column."""
    offered = [name for name in ("speaker", "group") if any(sources.labels(name))]
    return sorted({*label_columns(sources.items), *offered})


def listed(word: str, choices: Sequence[str]) -> str:
    """The end of a message: all choices, and the one that is likely meant."""
    near = nearest_name(word, choices)
    return f"{', '.join(choices)}.{f' Did you mean {near!r}?' if near else ''}"


def unsuited(values: Sequence[str], noun: str = "source", *, single: bool = False) -> str:
    """Why these labels, one of each `noun`, cannot be classes; "" where they can. single: a class may be of one alone, as where every
    source both trains and tests."""
    counts = Counter(filter(None, values))
    number, alone = counts.total(), sum(count == 1 for count in counts.values())
    if len(counts) > _MOST_NUMBERS and any(map(_has_fraction, counts)) and all(map(_is_number, counts)):
        return (
            f"{counted(len(counts), 'different number')} in {counted(number, noun)}, which measure something and are no classes"
        )
    if len(counts) > 2 and 2 * alone > number and not single:
        return f"{counted(len(counts), 'different value')} in {counted(number, noun)}, {alone:,} of them in one {noun} only"
    return ""


def check_suited(column: str, sources: Sources, *, single: bool = False) -> None:
    """Raises CPCError where the labels of sources in `column` are no classes, naming the columns that are. single: see `unsuited`."""
    if not (why := unsuited(sources.labels(column), single=single)):
        return
    others = {name: sources.labels(name) for name in known_columns(sources) if name != column}
    number = {name: len(set(own) - {""}) for name, own in others.items() if not unsuited(own, single=single)}
    suited = [f"{name} ({classes:,} classes)" for name, classes in number.items() if classes > 1]
    more = f" and {len(suited) - _MOST_NAMED:,} more" if len(suited) > _MOST_NAMED else ""
    instead = f"Columns of classes: {', '.join(suited[:_MOST_NAMED])}{more}." if suited else "Add a column of classes."
    # Who speaks, where each speaker has one recording, can still be asked of other seconds of it.
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
    """The names of the data that are the test part as a whole, where the data were given in several pieces; else none."""
    test, rest = ({sources.items[i].root for i in part} for part in (tested, others))
    return tuple(sorted(Path(root).name for root in test)) if rest and "" not in test and not test & rest else ()


def tested_values(sources: Sources, column: str, value: str) -> set[str]:
    """The values of `column` that `value` means. Raises CPCError where no source has one."""
    values = set(column_values(sources, column, "test on")) - {""}
    if not (meant := matching(value, values)):
        known, near = sorted(values), nearest_name(value, sorted(values))
        named = ", ".join(known[:_MOST_NAMED]) + ", ..." * (len(known) > _MOST_NAMED)
        close = f" Did you mean {near!r}?" if near else ""
        raise CPCError(f"test on '{column}={value}': no source has it. Values of {column}: {named}.{close}")
    return meant
