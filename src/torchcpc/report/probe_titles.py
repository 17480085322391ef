"""What a probe is called on a page: its label, what a row is, and how it differs from a plain question."""

from collections import Counter
from collections.abc import Sequence

from torchcpc.probes.result import ProbeTable, Split
from torchcpc.report import format


def title(table: ProbeTable) -> str:
    """'speaker per clip, normalised per speaker': what sets the question apart from others, in words."""
    split = table.split
    parts = [f"{table.label} per {table.unit}"]
    if split.standardised_by:
        parts.append(f"normalised per {split.standardised_by}")
    if split.event_seconds:
        parts.append(f"{split.event_seconds:g} s for each event")
    if how := _tested(split):
        parts.append(how)
    if split.validate_across:
        parts.append(f"penalties selected across {split.validate_across}")
    return format.printable(", ".join(parts))


def titles(tables: Sequence[ProbeTable]) -> list[str]:
    """One title a table, all different: what is alike in words is told apart by its test rows, then by a number."""
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
