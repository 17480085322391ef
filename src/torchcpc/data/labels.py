"""Find the label columns of sources, and collect doubts about the labels."""

from collections.abc import Iterable, Sequence

from torchcpc.contracts import Item, Skipped
from torchcpc.data.names import SPLIT, alike, clean, first_label, is_plain_part, part_of, same_names, variants

# Values are texts and not classes if there are more different ones than this, and more than half as many as sources.
_FEW = 20


def label_columns(items: Iterable[Item]) -> list[str]:
    """Return the label columns of all sources, in the order of their first occurrence.

    Args:
        items: The sources.
    """
    return list(dict.fromkeys(column for item in items for column in item.labels))


def label_notes(items: Sequence[Item]) -> list[Skipped]:
    """Return notes about doubtful labels of sources.

    They concern names that differ only by case or blanks, and unclear splits.

    Args:
        items: The sources.
    """
    columns = label_columns(items)
    notes = [
        Skipped(
            f"columns {_quoted(same)}",
            "they differ only by case or blanks and count as one; a source takes the first that is not empty",
        )
        for same in variants(columns)
    ]
    for column in columns:
        values = {clean(value) for value in {item.labels.get(column) for item in items}} - {""}
        if len(values) <= max(_FEW, len(items) // 2):
            apart = "are different values; use one spelling if they mean the same"
            why = f"they differ only by case or blanks and {'count as one' if alike(column) == SPLIT else apart}"
            notes += [Skipped(f"column {column!r}: {_quoted(same)}", why) for same in variants(values)]
    named = same_names(SPLIT, columns)
    return notes + (
        _split_notes({first_label(item.labels, named) for item in items}) if named else _unread_splits(items, columns)
    )


def _split_notes(values: set[str]) -> list[Skipped]:
    unknown = sorted(value for value in values - {""} if not part_of(value))
    if not any(map(part_of, values)):
        why = "no value of it names a part of the data (train, val, test), so it is not a split"
        return [Skipped(f"column 'split' ({', '.join(unknown[:9])})", why)] if unknown else []
    why = (
        "it names no part of the data (train, val, test), so its sources are used neither in training nor in probes; rename it"
    )
    notes = [Skipped(f"column 'split': {value!r}", why) for value in unknown]
    guessed = sorted(value for value in values if part_of(value) and not is_plain_part(value))
    notes += [Skipped(f"column 'split': {value!r}", f"it is read as {part_of(value)}") for value in guessed]
    if "" in values:
        notes.append(Skipped("column 'split'", "sources without a value are used in training, but not in probes"))
    return notes


def _unread_splits(items: Sequence[Item], columns: Sequence[str]) -> list[Skipped]:
    """Return notes about columns that name parts of the data but are not called split."""
    why = "its values name parts of the data, but only a column 'split' is obeyed; rename it, or set split.exclude"
    notes = []
    for column in columns:
        parts = {part_of(value) for item in items if (value := clean(item.labels.get(column)))}
        if len(parts) > 1 and "" not in parts:
            notes.append(Skipped(f"column {column!r}", why))
    return notes


def _quoted(values: Sequence[str]) -> str:
    return " and ".join(map(repr, values))
