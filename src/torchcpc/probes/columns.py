"""Label columns that a probe names: their values, or what there is instead."""

from collections.abc import Collection
from pathlib import Path

from torchcpc.contracts import CPCError, Sources
from torchcpc.data.labels import label_columns
from torchcpc.data.names import matching
from torchcpc.settings import suggest


def column_values(sources: Sources, column: str, option: str) -> list[str]:
    """The label of each source in `column`. option: what named the column, in words. Raises CPCError where no source has such a label."""
    values = sources.labels(column)
    if not any(values):
        # The group has a name of its own in some readers, and is a label without being a column.
        offered = [name for name in ("speaker", "group") if any(sources.labels(name))]
        known = sorted({*label_columns(sources.items), *offered})
        labels = f"Their labels: {', '.join(known)}." if known else "They have no labels at all: add a column."
        close = hint if (hint := suggest(column, known)).startswith(" Did") else ""
        raise CPCError(f"{option} {column!r}: none of these sources has such a label. {labels}{close}")
    return values


def test_roots(sources: Sources, tested: Collection[int], others: Collection[int]) -> tuple[str, ...]:
    """The names of the data that are the test part as a whole, where the data were given in several pieces; else none."""
    test, rest = ({sources.items[i].root for i in part} for part in (tested, others))
    return tuple(sorted(Path(root).name for root in test)) if rest and "" not in test and not test & rest else ()


def tested_values(sources: Sources, column: str, value: str) -> set[str]:
    """The values of `column` that `value` means. Raises CPCError where no source has one."""
    values = set(column_values(sources, column, "test on")) - {""}
    if not (meant := matching(value, values)):
        known = ", ".join(sorted(values)[:9])
        raise CPCError(f"test on '{column}={value}': no source has it. Values of {column}: {known}.")
    return meant
