"""L-BFGS on many small smooth problems at once. Each problem has its own memory and step size.

The problems of a nested cross-validation differ in rows and penalties but share their features. Solved together, they
read the features once. A product of a matrix with forty columns costs little more than one with two.
"""

from collections.abc import Callable

import numpy as np

# Sufficient decrease of a step (Armijo), halvings after which no decrease is possible in this precision, steps in memory.
_DECREASE, _HALVINGS, _MEMORY = 1e-4, 12, 5
# The largest number of evaluations. The point reached by then is returned.
_MOST = 500


def minimise(
    objective: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]], start_CNP: np.ndarray, *, tolerance: float
) -> np.ndarray:
    """Minimise P problems with C x N unknowns each.

    A problem is done when a step improves its loss by less than `tolerance`, or when no step improves it.

    Args:
        objective: A function (v_CNA, which_A) that returns loss_A (float64) and gradient_CNA of the problems
            `which_A`. It is scaled so that a step of size 1 along the gradient is about right.
        start_CNP: The starting points.
        tolerance: The least improvement, relative for losses above 1.

    Returns:
        The minimisers [C, N, P].
    """
    best_CNP = start_CNP.copy()
    which = np.arange(start_CNP.shape[2])
    point = start_CNP
    loss, gradient = objective(point, which)
    direction, step, halved = -gradient, np.ones(len(which), point.dtype), np.zeros(len(which), int)
    slope = _dot(direction, gradient)
    gamma = np.ones(len(which), point.dtype)
    pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for _ in range(_MOST):
        tried = point + step * direction
        tried_loss, tried_gradient = objective(tried, which)
        taken = tried_loss <= loss + _DECREASE * step * slope
        halved = np.where(taken, 0, halved + 1)
        gain = np.where(taken, loss - tried_loss, np.inf)
        done = (taken & (gain <= tolerance * np.maximum(1, np.abs(loss)))) | (halved > _HALVINGS)
        moved, turned = step * direction, tried_gradient - gradient
        inner, square = _dot(moved, turned), _dot(turned, turned)
        # A pair without curvature, from a refused step or from rounding, has weight zero.
        curved = taken & (inner > 1e-10 * square)
        weight = np.divide(1, inner, out=np.zeros_like(inner), where=curved)
        gamma = np.where(curved, inner / np.where(square > 0, square, 1), gamma)
        pairs = [*pairs, (moved, turned, weight)][-_MEMORY:] if curved.any() else pairs
        point, gradient = _either(taken, tried, point), _either(taken, tried_gradient, gradient)
        loss, step = np.where(taken, tried_loss, loss), np.where(taken, 1, step / 2).astype(point.dtype)
        if done.any():
            best_CNP[:, :, which[done]] = point[:, :, done]
            left = ~done
            which, loss, step, halved, taken, gamma = (each[left] for each in (which, loss, step, halved, taken, gamma))
            point, gradient, direction = point[:, :, left], gradient[:, :, left], direction[:, :, left]
            pairs = [(moved[:, :, left], turned[:, :, left], weight[left]) for moved, turned, weight in pairs]
            if not len(which):
                return best_CNP
        direction = _either(taken, _direction(gradient, pairs, gamma), direction)
        slope = _dot(direction, gradient)
        # Rounding can spoil a direction. Then the step follows the gradient.
        uphill = slope >= 0
        if uphill.any():
            direction = np.where(uphill, -gradient, direction)
            slope = np.where(uphill, -_dot(gradient, gradient), slope)
    best_CNP[:, :, which] = point
    return best_CNP


def _direction(gradient: np.ndarray, pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]], gamma: np.ndarray) -> np.ndarray:
    """Return minus the inverse Hessian of each problem times its gradient, by the two-loop recursion."""
    q, alphas, product = gradient.copy(), [], np.empty_like(gradient)
    for moved, turned, weight in reversed(pairs):
        alphas.append(weight * _dot(moved, q))
        q -= np.multiply(alphas[-1], turned, out=product)
    q *= gamma
    for (moved, turned, weight), alpha in zip(pairs, reversed(alphas), strict=True):
        q += np.multiply(alpha - weight * _dot(turned, q), moved, out=product)
    return np.negative(q, out=q)


def _either(taken: np.ndarray, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    """Return `new` where the step was taken, otherwise `old`."""
    return new if taken.all() else np.where(taken, new, old)


def _dot(a_CNP: np.ndarray, b_CNP: np.ndarray) -> np.ndarray:
    """Return the inner product of each problem."""
    return np.einsum("cnp,cnp->p", a_CNP, b_CNP)
