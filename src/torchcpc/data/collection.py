"""Sources as people hold them in memory: a 3-D array, or a list of arrays, frames or plain lists of different lengths."""

from collections.abc import Sequence

import numpy as np

from torchcpc.contracts import CPCError


class CollectionError(CPCError, ValueError):
    """A CPCError that the tools of scikit-learn recognise as the ValueError they expect."""


def collection(X: object) -> list[np.ndarray] | None:
    """Every sequence as [steps, channels]; None for what is no collection: a table, or a single sequence. X: [cases, steps, channels], or a
    list (or array of objects) of [steps, channels] and, for one channel, [steps]. A list of plain lists of numbers, all of one length, is a
    table. Raises CollectionError for anything else in the list, frames of other columns than the first's, NaN and infinity."""
    if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype == object:
        X = list(X)
    if not isinstance(X, list | tuple):
        if np.asarray(X).ndim != 3:
            return None
    elif all(isinstance(sequence, list | tuple) and not any(map(np.ndim, sequence)) for sequence in X):
        if len({len(sequence) for sequence in X}) <= 1:
            return None
    elif not any(map(np.ndim, X)):
        return None
    sequences: list[object] = [*X]  # pyright: ignore[reportGeneralTypeIssues]
    columns = [getattr(sequence, "columns", None) for sequence in sequences]  # of a frame, whichever library made it
    names = {number: list(of_frame) for number, of_frame in enumerate(columns) if of_frame is not None}
    if other := next((number for number in names if names[number] != names[min(names)]), None):
        raise CollectionError(
            f"sequence {other} has the columns {names[other]}, sequence {min(names)} {names[min(names)]}: a channel is a column, in the "
            "same place in all. Bring them into one order."
        )
    return [_sequence(sequence, number) for number, sequence in enumerate(sequences)]


def channels(sequences: Sequence[np.ndarray]) -> int:
    """The number of channels, the same in all. Raises CollectionError if it is not, and for no sequence at all."""
    counts = sorted({sequence.shape[1] for sequence in sequences})
    if len(counts) != 1:
        raise CollectionError(f"{len(sequences)} sequences with channels {counts}: each must have the same number of channels.")
    return counts[0]


def blocks(sequence: np.ndarray, *, length: int, most: int = 10) -> list[np.ndarray]:
    """A single sequence in 2 to `most` consecutive blocks, of `length` or more where it is long enough: sources to split."""
    return np.array_split(sequence, min(max(len(sequence) // length, 2), most))


def _sequence(sequence: object, number: int) -> np.ndarray:
    try:
        array = np.asarray(sequence, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise CollectionError(f"sequence {number} is not numeric: {error}. Give numbers [steps, channels].") from None
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or not array.size:
        raise CollectionError(f"sequence {number} has shape {array.shape}: expected [steps, channels], at least one of each.")
    if not np.isfinite(array).all():
        raise CollectionError(f"sequence {number} contains NaN or infinity: impute or leave out those steps.")
    return array
