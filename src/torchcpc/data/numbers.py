"""Turn objects of other libraries into arrays of numbers: tensors, masked arrays and frames.

Data that are not real numbers are refused, never cast.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, TypeGuard, runtime_checkable

import numpy as np

from torchcpc.contracts import CPCError, provides

if TYPE_CHECKING:
    import pandas

# Kinds of numpy types that are not real numbers, although numpy would cast some of them.
_REFUSED = {
    "c": "Complex data not supported: give real and imaginary part as two channels",
    "M": "Leave dates out, or give the seconds since the first",
    "m": "Give durations in seconds",
    **dict.fromkeys("UST", "Leave text out, or code it as numbers"),
    "V": "Give one column a channel",
}


class CollectionError(CPCError, ValueError):
    """A CPCError that is also the ValueError that tools of scikit-learn expect."""


class NotNumeric(CollectionError, TypeError):
    """The error for data without numbers, which is also the TypeError that these tools expect."""


@runtime_checkable
class _Tensor(Protocol):
    """A tensor of torch, recognised by its methods, so that torch need not be loaded."""

    def detach(self) -> "_Tensor": ...
    def is_floating_point(self) -> bool: ...
    def cpu(self) -> "_Tensor": ...
    def double(self) -> "_Tensor": ...
    def numpy(self) -> np.ndarray: ...


@runtime_checkable
class _Labelled(Protocol):
    """An array of xarray, whose axes have names."""

    @property
    def dims(self) -> tuple[object, ...]: ...
    @property
    def coords(self) -> object: ...


@runtime_checkable
class _ArrowTable(Protocol):
    @property
    def column_names(self) -> list[str]: ...
    def column(self, i: int) -> Iterable[object]: ...


def without_library(X: object) -> object:
    """Return X as a numpy array if numpy alone would fail or lose something.

    That concerns gradients, masks (which become NaN) and names of axes. Frames stay unchanged.

    Args:
        X: Any data.
    """
    if provides(X, _Tensor):
        plain = X.detach().cpu()
        try:
            return (plain.double() if plain.is_floating_point() else plain).numpy()
        except (TypeError, RuntimeError) as error:
            raise CollectionError(f"a tensor that is not a plain array: {' '.join(str(error).split())}") from None
    if isinstance(X, np.ma.MaskedArray):
        masked = np.ma.getmaskarray(X)
        return np.where(masked, np.nan, X.data) if masked.any() and X.dtype.kind in "biuf" else X.data
    if provides(X, _Labelled):
        array, axes = np.asarray(X), [str(name).lower() for name in X.dims]
        return np.moveaxis(array, axes.index("time"), -2) if "time" in axes and array.ndim > 1 else array
    return X


def is_pandas(X: object) -> "TypeGuard[pandas.DataFrame | pandas.Series]":
    """Return whether X is a frame or a series of pandas, which need not be installed.

    Args:
        X: Any data.
    """
    bases = ((base.__module__.split(".")[0], base.__name__) for base in type(X).__mro__)
    return any(base in (("pandas", "DataFrame"), ("pandas", "Series")) for base in bases)


def column_names(X: object) -> list[str] | None:
    """Return the names of the columns of a frame of any library, or None if X is no frame.

    Args:
        X: Any data.
    """
    if provides(X, _ArrowTable):
        return X.column_names
    names = getattr(X, "columns", None)
    return None if names is None or callable(names) else [str(name) for name in names]


def numbers(X: object, what: str) -> np.ndarray:
    """Return X as float64.

    Args:
        X: Any data.
        what: Subject of the error message.

    Raises:
        CollectionError: If X does not hold real numbers.
    """
    X = without_library(X)
    if (names := column_names(X)) is not None:
        columns = [_real(column, f"{what}, column {name!r},") for name, column in zip(names, _columns(X), strict=True)]
        return np.stack(columns, axis=1) if columns else np.zeros((0, 0))
    return _real(X, what)


def as_table(X: object) -> object:
    """Return a table that scikit-learn accepts, with the names of its columns.

    Args:
        X: Any data.

    Raises:
        CollectionError: If scikit-learn would cast data to numbers that are none.
    """
    X = without_library(X)
    if column_names(X) is not None:
        values = numbers(X, "X")
        return values if provides(X, _ArrowTable) else X
    return _real(X, "X") if isinstance(X, np.ndarray) and X.dtype.kind in _REFUSED else X


def finite(array: np.ndarray, what: str) -> np.ndarray:
    """Return an array after a check that it is finite.

    Args:
        array: The array.
        what: Subject of the error message.

    Raises:
        CollectionError: If it holds NaN or infinity.
    """
    if not np.isfinite(array).all():
        raise CollectionError(f"{what} contains NaN or infinity: impute or leave out those steps.")
    return array


def _columns(frame: object) -> list[object]:
    if provides(frame, _ArrowTable):
        return [frame.column(number) for number in range(len(frame.column_names))]
    if is_pandas(frame):  # whose column names may repeat
        return [frame.iloc[:, place] for place in range(frame.shape[1])]
    return [frame[name] for name in frame.columns]  # pyright: ignore[reportAttributeAccessIssue, reportIndexIssue]


def _real(values: object, what: str) -> np.ndarray:
    try:
        if is_pandas(values) and values.ndim == 1 and values.dtype.kind in "iufb":
            return values.to_numpy(np.float64, na_value=np.nan)
        array = np.asarray(values)
        if array.dtype.kind == "O" and any(isinstance(value, str | bytes) for value in array.flat):
            array = array.astype(str)
        if refused := _REFUSED.get(array.dtype.kind):
            raise CollectionError(f"{what} is not numeric ({array.dtype}). {refused}.")
        return array.astype(np.float64)
    except CollectionError:
        raise
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise CollectionError(f"{what} is not numeric: {reason}. Give numbers [steps, channels].") from None
