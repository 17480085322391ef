"""Check two arrays of samples, thin them if they are too long, and warn about what is unusual."""

import numpy as np
from numpy.typing import ArrayLike

from torchcpc.contracts import CPCError

FEWEST_ROWS = 50
FEW_ROWS = 1_000
# If the most frequent value of a column has a larger share, the column has heavy ties, and its ranks lose information.
HEAVY = 0.2


def samples(x: ArrayLike, y: ArrayLike, *, most: int, seed: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return two arrays ready for estimation.

    Args:
        x: Samples, [n] or [n, d].
        y: Samples, [n] or [n, e].
        most: The largest number of rows. More rows are thinned at random.
        seed: Seed of that choice.

    Returns:
        x_ND and y_NE, float64 and finite, and warnings for the reader of the estimate.

    Raises:
        CPCError: If they are not numeric or not finite, differ in length, have fewer than 50 rows, or a side is
            constant.
    """
    if most < FEWEST_ROWS:
        raise CPCError(f"most = {most}: at least {FEWEST_ROWS} rows are needed for an estimate with an interval.")
    warnings: list[str] = []
    x_ND, y_NE = _numbers(x, "x"), _numbers(y, "y")
    if len(x_ND) != len(y_NE):
        raise CPCError(f"x has {len(x_ND)} rows and y has {len(y_NE)}: row i of both must be one draw. Align them first.")
    n = len(x_ND)
    if n < FEWEST_ROWS:
        raise CPCError(f"{n} samples: at least {FEWEST_ROWS} are needed for an estimate with an interval. Collect more.")
    if n < FEW_ROWS:
        warnings.append(f"only {n} samples: weak dependence looks like none; {FEW_ROWS:,} or more are better")
    if n > most:
        rows = np.sort(np.random.default_rng([seed, 0]).choice(n, most, replace=False))
        x_ND, y_NE = x_ND[rows], y_NE[rows]
        warnings.append(f"{n:,} samples: {most:,} of them, drawn at random, were used")
    both = np.hstack([x_ND, y_NE])
    repeated = 1 - len(np.unique(both, axis=0)) / len(both)
    x_ND, y_NE = _varying(x_ND, "x", warnings), _varying(y_NE, "y", warnings)
    discrete = _ties(x_ND, "x", warnings) & _ties(y_NE, "y", warnings)
    if repeated > 0.01 and not discrete:
        warnings.append(
            f"{repeated:.1%} of the rows repeat another row exactly: if they are copies, not draws, remove them, because a copy on "
            "both sides of a split looks like information"
        )
    return x_ND, y_NE, warnings


def _numbers(values: ArrayLike, name: str) -> np.ndarray:
    """Return the values as [n, d] float64, or raise CPCError."""
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biuf":
            raise TypeError
        array = array.astype(np.float64)
    except (TypeError, ValueError):
        raise CPCError(
            f"{name} is not an array of numbers ({type(values).__name__}). Give [n] or [n, d]; code categories as integers."
        ) from None
    if array.ndim not in (1, 2) or 0 in array.shape[1:]:
        raise CPCError(f"{name} has shape {array.shape}: give [n] or [n, d]. Flatten further axes with reshape(n, -1).")
    array = array.reshape(len(array), -1)
    if bad := int((~np.isfinite(array)).any(axis=1).sum()):
        raise CPCError(f"{name}: {bad} of {len(array)} rows hold NaN or infinity. Remove those rows from x and y.")
    return array


def _varying(x_ND: np.ndarray, name: str, warnings: list[str]) -> np.ndarray:
    """Return the columns that vary. Constant ones are left out with a warning."""
    varies = np.ptp(x_ND, axis=0) > 0
    if not varies.any():
        raise CPCError(f"{name}: all columns are constant, so they share no information with anything. Check the data.")
    if not varies.all():
        warnings.append(f"{name}: constant columns {np.flatnonzero(~varies).tolist()} were left out")
    return x_ND[:, varies]


def _ties(x_ND: np.ndarray, name: str, warnings: list[str]) -> bool:
    """Return whether every column is discrete. Discrete columns and heavy ties are added to the warnings."""
    counts = [np.unique(column, return_counts=True)[1] for column in x_ND.T]
    share = np.array([count.max() for count in counts]) / len(x_ND)
    discrete = np.array([len(count) for count in counts]) <= max(2, len(x_ND) // 20)
    if discrete.any():
        warnings.append(f"{name}: columns {np.flatnonzero(discrete).tolist()} are discrete; equal values share their mean rank")
    if (heavy := (share > HEAVY) & ~discrete).any():
        warnings.append(f"{name}: columns {np.flatnonzero(heavy).tolist()} have heavy ties; their ranks lose information")
    return bool(discrete.all())
