"""The information in every possible past of a hidden Markov chain with symbols: finite sums, enclosed from both sides."""

from __future__ import annotations

import numpy as np

from torchcpc.contracts import CPCError

# Entries of the largest table of pasts; and the width at which a longer past is not worth its sum.
_LARGEST, _WIDTH = 1 << 20, 1e-9


def enumerated(pi: np.ndarray, P: np.ndarray, table: np.ndarray, k: int, past: int | None) -> tuple[float, float, int]:
    """(low, high, number of pasts) of I(x_{t+k}; the last `past` steps), nats; with None of the whole past.

    The last L steps say no more than the whole past, and the whole past says no more than the last L steps together with the
    state before them, since that state cuts off all that came earlier (T. Cover, J. Thomas, Elements of Information Theory,
    theorem 4.5.1). The two meet geometrically as L grows; a given `past` is exact, low = high.
    """
    S, symbols = table.shape
    if past is not None and S * symbols ** (past + 1) > 16 * _LARGEST:
        raise CPCError(
            f"past = {past}: {symbols} symbols make {symbols**past:,} pasts, too many to enumerate. Shorten the past."
        )
    ahead = np.linalg.matrix_power(P, k) @ table
    marginal = pi @ ahead
    # [1, pasts, S] and [S, pasts, S]: p(state before,) p(past, state now).
    plain, known = pi[None, None, :], (np.diag(pi) @ P)[:, None, :]
    low, high, length = 0.0, np.inf, 0
    while length != past and (past is not None or (high - low > _WIDTH and known.size * symbols <= _LARGEST)):
        # The state emits, and before the next step it moves.
        plain, known = _emit(plain if not length else plain @ P, table), _emit(known if not length else known @ P, table)
        length += 1
        low, high = _information(plain, ahead, marginal), _information(known, ahead, marginal)
    return (low, low if past is not None else max(low, high), plain.shape[1])


def _emit(joint: np.ndarray, table: np.ndarray) -> np.ndarray:
    """[C, pasts, S] -> [C, pasts * symbols, S]."""
    C, pasts, S = joint.shape
    return (joint[:, :, None, :] * table.T).reshape(C, pasts * table.shape[1], S)


def _information(joint: np.ndarray, ahead: np.ndarray, marginal: np.ndarray) -> float:
    both = joint @ ahead
    expected = both.sum(-1, keepdims=True) * marginal
    some = both > 0
    return float((both[some] * np.log(both[some] / expected[some])).sum())
