"""The steps that are most like some others: cosine of standardised vectors, over any number of sources in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from torchcpc.contracts import CPCError
from torchcpc.information.scoring import silent
from torchcpc.representations.embed import Embedded, embed_all

KINDS = ("z", "c")
# Numbers that are kept rather than made twice, and numbers of input that are embedded at once.
_HELD, _AT_ONCE = 1 << 27, 1_000_000
# Sources that the scale is taken from where not all can be kept.
_MOST_SOURCES = 512


class Scale(NamedTuple):
    """Mean and standard deviation of every dimension, float64 [D]; a dimension that does not vary has deviation 1."""

    mean_D: np.ndarray
    deviation_D: np.ndarray

    def __call__(self, x_TD: np.ndarray) -> np.ndarray:
        """[T, D] float32 of length 1, or 0 for the mean itself."""
        scaled_TD = (x_TD - self.mean_D) / self.deviation_D
        length_T1 = np.linalg.norm(scaled_TD, axis=1, keepdims=True)
        return (scaled_TD / np.where(length_T1 > 0, length_T1, 1)).astype(np.float32)


class Near(NamedTuple):
    """A step that was found: its cosine with the query, the number of its source, its step and its sequence."""

    cosine: float
    source: int
    step: int
    sequence: int


def search(
    model: Any,
    sources: Any,
    query_QD: np.ndarray,
    *,
    kind: str = "z",
    top: int = 10,
    device: str = "cpu",
    progress: Callable[[int, int], None] = silent,
) -> list[list[Near]]:
    """The `top` steps of all sources for each query, best first. The scale is that of all steps searched; of 512 sources where there
    are more steps than fit into memory, which are then embedded twice."""
    values = int(np.prod(model.encoder.row_shape, dtype=int)) or 1
    settings: Any = {
        "device": device,
        "positions_per_batch": max(model.encoder.stride, _AT_ONCE // values),
        "progress": progress,
    }
    width = model.encoder.dim + model.context.dim
    steps = sum(sources.length(i) for i in range(len(sources))) // model.encoder.stride * model.encoder.layout.sequences
    if steps * width <= _HELD:
        held = list(embed_all(model, sources, **settings))
        return nearest(held, query_QD, scale_of(held, kind=kind), top=top, kind=kind)
    chosen = np.random.default_rng(0).permutation(len(sources))[:_MOST_SOURCES]
    scale = scale_of(embed_all(model, sources.select(sorted(chosen.tolist())), **settings), kind=kind)
    return nearest(embed_all(model, sources, **settings), query_QD, scale, top=top, kind=kind)


def scale_of(pieces: Iterable[Embedded], *, kind: str = "z") -> Scale:
    """The scale of all steps of `pieces`, from running sums. Raises CPCError for none."""
    count, mean_D, spread_D = 0, np.zeros(1), np.zeros(1)
    for piece in pieces:
        x_TD = vectors(piece, kind).astype(np.float64)
        if not len(x_TD):
            continue
        # Chan, Golub & LeVeque 1979: the sums of squares of two parts, joined without cancellation.
        own_D, new = x_TD.mean(axis=0), count + len(x_TD)
        gap_D = own_D - mean_D
        spread_D = spread_D + np.square(x_TD - own_D).sum(axis=0) + np.square(gap_D) * count * len(x_TD) / new
        mean_D, count = mean_D + gap_D * len(x_TD) / new, new
    if not count:
        raise CPCError("there is no step to compare with: every source is shorter than one step. Name longer sources.")
    deviation_D = np.sqrt(spread_D / count)
    return Scale(mean_D, np.where(deviation_D > 0, deviation_D, 1))


def nearest(
    pieces: Iterable[Embedded], query_QD: np.ndarray, scale: Scale, *, top: int = 10, kind: str = "z"
) -> list[list[Near]]:
    """The `top` steps for each query, best first; equal ones in the order of the pieces. query_QD as `vectors` gives them, not scaled.

    Raises CPCError for top below 1.
    """
    if top < 1:
        raise CPCError(f"top = {top}: at least 1.")
    unit_QD = scale(query_QD)
    best: list[list[Near]] = [[] for _ in unit_QD]
    for piece in pieces:
        cosine_QT = unit_QD @ scale(vectors(piece, kind)).T
        for found, cosine_T in zip(best, cosine_QT, strict=True):
            order = np.argsort(-cosine_T, kind="stable")[:top]
            own = [Near(float(cosine_T[t]), piece.source, int(t) + piece.first_step, piece.sequence) for t in order]
            found[:] = sorted([*found, *own], key=lambda near: -near.cosine)[:top]
    return best


def vectors(piece: Embedded, kind: str) -> np.ndarray:
    """z_TD or c_TC. Raises CPCError for another kind."""
    if kind not in KINDS:
        raise CPCError(f"{kind!r} is no kind of vector. Choose one of {', '.join(KINDS)}.")
    return piece.z_TD if kind == "z" else piece.c_TC
