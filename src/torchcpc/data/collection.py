"""Read a collection of sequences in memory: a 3-D array, a list of arrays, frames or lists, or a panel of pandas."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from torchcpc.data.numbers import CollectionError, column_names, finite, is_pandas, numbers, without_library
from torchcpc.data.panels import indexed_cases, is_nested, nested_cases, refuse_long

if TYPE_CHECKING:
    import pandas

# Most numbers of channels that an error lists.
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Collection:
    """Sequences in memory.

    Attributes:
        sequences: The sequences, [steps, channels] each.
        names: Names of the channels, if frames name them.
        rows: Rows of the original frame, for the steps of all sequences in order. None if there was no single frame.
        cases: Names of the cases in the index of that frame.
        stacked: Whether the sequences came as one array.
    """

    sequences: list[np.ndarray]
    names: tuple[str, ...] = ()
    rows: np.ndarray | None = None
    cases: "pandas.Index | None" = None
    stacked: bool = False

    def like_input(self, rows: list[np.ndarray]) -> np.ndarray | list[np.ndarray]:
        """Arrange one array for each sequence in the form in which the sequences came.

        Args:
            rows: One array per sequence, with one row per step.
        """
        if self.rows is None:
            return np.stack(rows) if self.stacked else rows
        together = np.concatenate(rows)
        ordered = np.empty_like(together)
        ordered[self.rows] = together
        return ordered


def collection(X: object) -> Collection | None:
    """Return every sequence as [steps, channels].

    These are collections:

    - an array [cases, steps, channels];
    - a list, or an array or Series of objects, of sequences [steps, channels] or [steps];
    - a frame whose index has the levels (case, step);
    - a frame in which each cell holds the steps of one case and channel.

    A list of plain lists of numbers with one length is a table.

    Args:
        X: Any data.

    Returns:
        The collection. None if X is a table or a single sequence.

    Raises:
        CollectionError: If the data are not numeric, columns of frames differ, or a value is NaN, masked or infinite.
    """
    X = without_library(X)
    if column_names(X) is not None or (is_pandas(X) and X.index.nlevels > 1):
        return _of_frame(X)
    if type(X) is dict:
        raise CollectionError("X is a dict: give its sequences in a list, list(X.values()).")
    if not isinstance(X, list | tuple):
        array = np.asarray(X)
        if array.ndim == 3:
            return replace(_of_list(list(array)), stacked=True)
        X = list(array) if array.ndim == 1 and array.dtype.kind == "O" else None
    elif all(isinstance(sequence, list | tuple) and not any(map(np.ndim, sequence)) for sequence in X):
        X = None if len({len(sequence) for sequence in X}) <= 1 else X
    if not X or not any(_axes(sequence) for sequence in X):
        return None
    return _of_list(list(X))


def channels(sequences: Sequence[np.ndarray]) -> int:
    """Return the number of channels, which is the same in all sequences.

    Args:
        sequences: The sequences, [steps, channels] each.

    Raises:
        CollectionError: If it differs, or there is no sequence.
    """
    counts = sorted({sequence.shape[1] for sequence in sequences})
    if len(counts) != 1:
        shown = ", ".join(map(str, counts[:_SHOWN])) + (", ..." if len(counts) > _SHOWN else "")
        turned = len({len(sequence) for sequence in sequences}) == 1 < len(sequences)
        hint = " If they are [channels, steps], give [x.T for x in X]." if turned else ""
        raise CollectionError(
            f"{len(sequences)} sequences with channels [{shown}]: each must have the same number of channels.{hint}"
        )
    return counts[0]


def turned(sequences: Sequence[np.ndarray]) -> str:
    """Return a remark if all sequences have more channels than steps, otherwise "".

    Args:
        sequences: The sequences, [steps, channels] each.
    """
    longest, width = max(map(len, sequences)), sequences[0].shape[1]
    if len(sequences) < 2 or longest >= width:
        return ""
    return (
        f"{len(sequences)} sequences of at most {longest} steps have {width} channels: X is [cases, steps, channels]. If yours is [cases, "
        "channels, steps], as in aeon and sktime, give np.swapaxes(X, 1, 2)"
    )


def blocks(sequence: np.ndarray, *, length: int, most: int = 10) -> list[np.ndarray]:
    """Cut a single sequence into consecutive blocks, which are sources to split.

    Args:
        sequence: The sequence, [steps, channels].
        length: Smallest length of a block if the sequence is long enough.
        most: Largest number of blocks. There are at least 2.
    """
    return np.array_split(sequence, min(max(len(sequence) // length, 2), most))


def _of_frame(X: object) -> Collection | None:
    if is_nested(X):
        sequences, names = nested_cases(X)
        return Collection([_sequence(case, number) for number, case in enumerate(sequences)], names)
    if (cases := indexed_cases(X)) is None:
        refuse_long(X)
        return None
    sequences = [_sequence(case, number) for number, case in enumerate(cases.sequences)]
    return Collection(sequences, cases.names, cases.rows, cases.cases)


def _of_list(sequences: list[object]) -> Collection:
    given = [without_library(sequence) for sequence in sequences]
    names = {number: tuple(found) for number, sequence in enumerate(given) if (found := column_names(sequence)) is not None}
    first = min(names, default=0)
    if other := next((number for number in names if names[number] != names[first]), None):
        raise CollectionError(
            f"sequence {other} has the columns {[*names[other]]}, sequence {first} {[*names[first]]}: a channel is a column, in the "
            "same place in all. Bring them into one order."
        )
    return Collection([_sequence(sequence, number) for number, sequence in enumerate(given)], names.get(first, ()))


def _axes(sequence: object) -> int:
    try:
        return np.ndim(without_library(sequence))  # pyright: ignore[reportArgumentType]
    except ValueError:
        return 2  # rows of different lengths, which are refused when they are read


def _sequence(sequence: object, number: int) -> np.ndarray:
    array = numbers(sequence, f"sequence {number}")
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or not array.size:
        raise CollectionError(f"sequence {number} has shape {array.shape}: expected [steps, channels], at least one of each.")
    return finite(array, f"sequence {number}")
