"""The type of a handmade feature, and a cache for computations that several features share."""

from collections.abc import Callable

import numpy as np

Features = Callable[[np.ndarray, int], np.ndarray]
"""Maps the raw rows of a clip and the encoder's stride to features of its steps, [T, D]."""


def shared(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Cache the last answer of a function.

    Several kinds of features of one clip are computed one after another. So it is enough to keep the answer for the
    last array. Callers must not write to the answer.

    Args:
        function: A function of one array.

    Returns:
        The function with its cache. The cache compares arrays by identity.
    """
    last: list[tuple[np.ndarray, np.ndarray]] = []

    def asked(x: np.ndarray) -> np.ndarray:
        # A reference to the array is kept, so that no other array can get the same identity.
        if not (known := last[:1]) or known[0][0] is not x:
            known = last[:] = [(x, function(x))]
        return known[0][1]

    return asked
