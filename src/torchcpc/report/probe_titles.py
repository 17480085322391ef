"""The titles of probes on a page: the label, the row, and any special setting."""

from collections import Counter
from collections.abc import Sequence

from torchcpc.probes.result import ProbeTable, Split
from torchcpc.report import format


def title(table: ProbeTable) -> str:
    """Return the title of a probe, for example 'speaker per clip, normalised per speaker'."""
    split = table.split
    parts = [f"{table.label} per {table.unit}"]
    if split.standardised_by:
        parts.append(f"normalised per {split.standardised_by}")
    if split.event_seconds:
        parts.append(f"clips of {split.event_seconds:g} s for each event")
    if how := _tested(split):
        parts.append(how)
    if split.validate_across:
        parts.append(f"penalties selected on held-out values of {split.validate_across}")
    return format.printable(", ".join(parts))


def titles(tables: Sequence[ProbeTable]) -> list[str]:
    """Return one title for each table, all different.

    Equal titles get the number of test rows, and if these are equal too, a number.
    """
    found = [title(table) for table in tables]
    counts = Counter(found)
    found = [
        f"{name}, {format.count(table.test)} test rows" if counts[name] > 1 else name
        for name, table in zip(found, tables, strict=True)
    ]
    counts, seen = Counter(found), Counter[str]()
    for i, name in enumerate(found):
        if counts[name] > 1:
            seen[name] += 1
            found[i] = f"{name} ({seen[name]})"
    return found


def _tested(split: Split) -> str:
    if split.kind == "test_on":
        return f"tested on {split.column}={split.value}" if split.value else f"tested on each {split.column} in turn"
    if split.kind == "within":
        return "tested on the end of each source"
    if split.kind == "folds":
        return f"{split.folds}-fold cross-validation" + (f" by {split.grouped_by}" if split.grouped_by else "")
    return ""
