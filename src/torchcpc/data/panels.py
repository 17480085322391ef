"""Read panels of pandas: frames that hold many cases.

A panel has an index of cases and steps, or it is nested, with a sequence in every cell.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from torchcpc.data.numbers import CollectionError, is_pandas, numbers

if TYPE_CHECKING:
    import pandas

# Names of columns that reveal a long table, with a row for each case and step.
_CASES = ("case", "case_id", "case_index", "instance", "instances", "instance_id", "series", "series_id", "unique_id")
_STEPS = ("time", "time_index", "timepoint", "timepoints", "timestamp", "reading_id", "step", "ds", "t")


class IndexedCases(NamedTuple):
    """Cases of a frame whose index names cases and steps.

    Attributes:
        sequences: The sequences, [steps, channels] each.
        rows: Rows of the frame, in the order of the sequences.
        names: Names of the channels.
        cases: The index without steps, with one entry for each case.
    """

    sequences: list[np.ndarray]
    rows: np.ndarray
    names: tuple[str, ...]
    cases: "pandas.Index"


def indexed_cases(X: object) -> IndexedCases | None:
    """Return the cases of a frame whose index has the levels (case, ..., step), in their order.

    Args:
        X: Any data.

    Returns:
        The cases, or None if X has no such index.

    Raises:
        CollectionError: If steps are out of order or repeated.
    """
    if not is_pandas(X) or (levels := X.index.nlevels) < 2:
        return None
    frame = X.to_frame() if X.ndim == 1 else X
    steps = frame.index.get_level_values(levels - 1)
    sequences, rows, firsts = [], [], []
    for name, places in frame.groupby(level=[*range(levels - 1)], sort=False).indices.items():
        of_case = steps[places]
        if not (of_case.is_monotonic_increasing and of_case.is_unique):
            raise CollectionError(
                f"case {name} has steps out of order or twice in the last level of the index: its levels are (case, step). "
                "Sort the frame with sort_index(), or drop what repeats."
            )
        sequences.append(numbers(frame.iloc[places], f"case {name}"))
        rows.append(places)
        firsts.append(places[0])
    cases = frame.index.droplevel(levels - 1)[firsts]
    return IndexedCases(sequences, np.concatenate(rows or [np.zeros(0, int)]), tuple(map(str, frame.columns)), cases)


def is_nested(X: object) -> bool:
    """Return whether X is a frame with a sequence in every cell.

    Args:
        X: Any data.
    """
    return is_pandas(X) and X.ndim == 2 and X.size > 0 and any(np.ndim(cell) > 0 for cell in X.iloc[0])


def nested_cases(X: object) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Return the cases of a nested frame, one for each row.

    Args:
        X: A nested frame.

    Returns:
        The cases, [steps, channels] each, and the names of the channels.

    Raises:
        CollectionError: If the channels of a case differ in length.
    """
    if not is_pandas(X):
        raise CollectionError(f"{type(X).__name__} is not a frame of pandas. Give [cases, steps, channels].")
    cases = []
    for number, (name, row) in enumerate(X.iterrows()):
        columns = [np.atleast_1d(numbers(cell, f"case {name}, column {column!r},")) for column, cell in row.items()]
        if len({column.shape for column in columns}) > 1 or columns[0].ndim > 1:
            lengths = [column.shape for column in columns]
            raise CollectionError(
                f"case {number} has channels of shapes {lengths}: each must be [steps], with equally many steps."
            )
        cases.append(np.stack(columns, axis=1))
    return cases, tuple(map(str, X.columns))


def refuse_long(X: object) -> None:
    """Refuse a long table, in which columns name the case and the step: they would be read as channels.

    Args:
        X: Any data.

    Raises:
        CollectionError: If X is a long table.
    """
    if not is_pandas(X) or X.ndim != 2:
        return
    names = {str(name).strip().lower(): name for name in X.columns}
    case = next((names[name] for name in _CASES if name in names), None)
    step = next((names[name] for name in _STEPS if name in names), None)
    if case is not None and step is not None and len(np.unique(X[case])) < len(X):
        raise CollectionError(
            f"the columns {case!r} and {step!r} make X a long table, a row for each case and step. Give a frame with an index of cases and "
            f"steps: X.set_index([{case!r}, {step!r}]), after a pivot where a column names the channel."
        )
