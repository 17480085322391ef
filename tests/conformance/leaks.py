"""What one step depends on, by autograd: exact zeros or not, no tolerance."""

from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor


def influences(run: Callable[[Tensor], Tensor], x: Tensor, row: int, step: int) -> Tensor:
    """bool [B, S]: the positions of x [B, S, ...] on which step `step` of sequence `row` of run(x) [B, T, ...] depends."""
    if not x.is_floating_point():
        return changes(run, x, row, step)
    x = x.detach().clone().requires_grad_()
    y = run(x)[row, step]
    # A random quadratic form: neither a ReLU at rest nor a norm that keeps sums fixed can hide a dependence in all its terms.
    probe = torch.randn(y.shape, generator=torch.Generator().manual_seed(3), dtype=y.dtype)
    (grad,) = torch.autograd.grad(((y * probe) ** 2).sum() + (y * probe).sum(), x)
    return (grad != 0).flatten(2).any(dim=2) if grad.dim() > 2 else grad != 0


def changes(run: Callable[[Tensor], Tensor], x: Tensor, row: int, step: int) -> Tensor:
    """The same for symbols, which have no gradient: the positions where other symbols make another output.

    Up to rounding: packed sentences are rows of one product, whose rounding may change with the number of its rows.
    """
    y, found = run(x)[row, step], torch.zeros(x.shape[:2], dtype=torch.bool)
    for b, s in product(range(x.shape[0]), range(x.shape[1])):
        other = x.clone()
        other[b, s] += 1
        found[b, s] = not torch.allclose(run(other)[row, step], y, rtol=1e-5, atol=1e-6)
    return found


def leaks(run: Callable[[Tensor], Tensor], x: Tensor, stride: int = 1) -> set[str]:
    """ "future" if a step sees a raw position after its own last one, "batch" if it sees another sequence. All steps, one row."""
    found = set()
    row = len(x) // 2
    for step in range(x.shape[1] // stride):
        seen = influences(run, x, row, step)
        if seen[row, (step + 1) * stride :].any():
            found.add("future")
        seen[row] = False
        if seen.any():
            found.add("batch")
    return found
