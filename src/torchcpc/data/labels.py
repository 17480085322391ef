"""Labels of sources: looked up by column, and what is doubtful about them."""

from collections.abc import Iterable, Sequence

from torchcpc.contracts import Item, Skipped
from torchcpc.data.names import SPLIT, alike, clean, first_label, is_plain_part, part_of, same_names, variants

# More different values than this, and more than half as many as there are sources, are texts and not classes.
_FEW = 20


def label_columns(items: Iterable[Item]) -> list[str]:
    """The label columns that any source has, in the order in which they first stand."""
    return list(dict.fromkeys(column for item in items for column in item.labels))


def label_notes(items: Sequence[Item]) -> list[Skipped]:
    """What is doubtful about the labels of sources: names that differ only by case or blanks, and splits that say too little."""
    columns = label_columns(items)
    notes = [
        Skipped(
            f"columns {_quoted(same)}",
            "they differ only by case or blanks and count as one; a source takes the first that is filled",
        )
        for same in variants(columns)
    ]
    for column in columns:
        values = {clean(value) for value in {item.labels.get(column) for item in items}} - {""}
        if len(values) <= max(_FEW, len(items) // 2):
            apart = "are different values; write them alike if they are one"
            why = f"they differ only by case or blanks and {'count as one' if alike(column) == SPLIT else apart}"
            notes += [Skipped(f"column {column!r}: {_quoted(same)}", why) for same in variants(values)]
    named = same_names(SPLIT, columns)
    return notes + (
        _split_notes({first_label(item.labels, named) for item in items}) if named else _unread_splits(items, columns)
    )


def _split_notes(values: set[str]) -> list[Skipped]:
    unknown = sorted(value for value in values - {""} if not part_of(value))
    if not any(map(part_of, values)):
        why = "no value of it names a part of the data (train, val, test), so it is no split"
        return [Skipped(f"column 'split' ({', '.join(unknown[:9])})", why)] if unknown else []
    why = "it names no part of the data (train, val, test), so its sources are not trained on and not asked about; rename it"
    notes = [Skipped(f"column 'split': {value!r}", why) for value in unknown]
    guessed = sorted(value for value in values if part_of(value) and not is_plain_part(value))
    notes += [Skipped(f"column 'split': {value!r}", f"it is read as {part_of(value)}") for value in guessed]
    if "" in values:
        notes.append(Skipped("column 'split'", "sources without a value are trained on, and probes do not ask about them"))
    return notes


def _unread_splits(items: Sequence[Item], columns: Sequence[str]) -> list[Skipped]:
    """Columns that name the parts of the data, but are not called split."""
    why = "its values name parts of the data, but only a column 'split' is kept to; rename it, or set split.exclude"
    notes = []
    for column in columns:
        parts = {part_of(value) for item in items if (value := clean(item.labels.get(column)))}
        if len(parts) > 1 and "" not in parts:
            notes.append(Skipped(f"column {column!r}", why))
    return notes


def _quoted(values: Sequence[str]) -> str:
    return " and ".join(map(repr, values))
