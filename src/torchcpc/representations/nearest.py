"""The steps that are most similar to given ones: cosine of standardised vectors, over any number of sources in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from torchcpc.contracts import CPCError, Model, Progress, Sources, Written, provides, silent
from torchcpc.data.text.queries import from_strings
from torchcpc.representations.embed import embed_all, frames
from torchcpc.representations.result import NearestQuery, NearestTable, Neighbour
from torchcpc.statistics.standardise import Scale

KINDS = ("z", "c")
# Numbers that are kept rather than made twice, and numbers of input that are embedded at once.
_HELD, _AT_ONCE = 1 << 27, 1_000_000
# Sources that the scale is taken from where not all can be kept.
_MOST_SOURCES = 512


@dataclass(frozen=True, slots=True)
class NearestSpec:
    """What is searched for: sentences (by a model of text) and steps "SOURCE:STEP" of the sources that are searched.

    by: "z", a step by itself, or "c", a step with all before it. top: how many similar steps of each query are wanted.
    """

    sentences: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    by: str = "z"
    top: int = 10

    def __post_init__(self) -> None:
        if not (self.sentences or self.steps):
            raise CPCError("nothing to find: give a sentence or a step (SOURCE:STEP).")
        if any(not sentence.strip() for sentence in self.sentences):
            raise CPCError("a sentence to find the like of cannot be empty.")
        if self.by not in KINDS:
            raise CPCError(f"by = {self.by!r} is no kind of vector. Choose one of {', '.join(KINDS)}.")
        if self.top < 1:
            raise CPCError(f"top = {self.top}: at least 1.")


class Vectors(NamedTuple):
    """z_TD or c_TC of a stretch of the source with this number."""

    source: int
    first_step: int
    x_TD: np.ndarray


class Near(NamedTuple):
    """A step that was found: its cosine with the query, the number of its source, and its step."""

    cosine: float
    source: int
    step: int


def nearest(
    model: Model,
    sources: Sources,
    spec: NearestSpec,
    data_settings: Mapping[str, object],
    *,
    device: str = "cpu",
    progress: Progress = silent,
) -> NearestTable:
    """The steps of `sources` most similar to each query, best first, without the query itself.

    data_settings: the resolved [data] section of the model, by which sentences are read. Raises CPCError for sentences where the
    model reads no text, and for a step that is not there.
    """
    kind = KINDS.index(spec.by)
    queries: list[tuple[str, np.ndarray, tuple[int, int] | None]] = []
    if spec.sentences:
        found = frames(model, from_strings(data_settings, [[sentence] for sentence in spec.sentences]), device=device)[kind]
        queries += [(sentence, x_1D[0], None) for sentence, x_1D in zip(spec.sentences, found, strict=True)]
    for name in spec.steps:
        place = _place(name, sources, model)
        (x_TD,) = frames(model, sources.select([place[0]]), device=device)[kind]
        queries.append((name, x_TD[place[1]], place))
    # One more than wanted: a step is most similar to itself.
    query_QD = np.stack([x_D for _, x_D, _ in queries])
    found = search(model, sources, query_QD, kind=kind, top=spec.top + 1, device=device, progress=progress)
    made = []
    for (name, _, place), near in zip(queries, found, strict=True):
        others = [each for each in near if (each.source, each.step) != place][: spec.top]
        made.append(NearestQuery(name, tuple(_neighbour(rank, each, sources) for rank, each in enumerate(others, start=1))))
    return NearestTable(spec.by, tuple(made))


def _neighbour(rank: int, near: Near, sources: Sources) -> Neighbour:
    key = sources.items[near.source].key
    sentence = sources.text(near.source, near.step, 1)[0] if provides(sources, Written) else ""
    return Neighbour(rank, near.cosine, near.step, key, sentence)


def _place(name: str, sources: Sources, model: Model) -> tuple[int, int]:
    """The number of the source and the step that SOURCE:STEP names. Raises CPCError for one that is not there."""
    key, colon, number = name.rpartition(":")
    known = {item.key: place for place, item in enumerate(sources.items)}
    if not colon or not number.isdigit() or key not in known:
        raise CPCError(f"{name!r}: expected SOURCE:STEP with a source of DATA, for instance {next(iter(known))}:0.")
    if model.encoder.layout.sequences > 1:
        raise CPCError(
            f"{name!r}: {key} is a picture of {model.encoder.layout.sequences} sequences, so SOURCE:STEP is many steps. Name a run of "
            "recordings, series or text."
        )
    steps = sources.length(known[key]) // model.encoder.stride
    if int(number) >= steps:
        raise CPCError(f"{name!r}: {key} has {steps} steps, so its last is {steps - 1}.")
    return known[key], int(number)


def search(
    model: Model, sources: Sources, query_QD: np.ndarray, *, kind: int, top: int, device: str, progress: Progress
) -> list[list[Near]]:
    """The `top` steps of all sources for each query, best first. kind: 0 for z, 1 for c.

    The scale is that of all steps searched. Where these do not fit into memory, it is that of 512 sources, which are embedded twice.
    """
    values = int(np.prod(model.encoder.row_shape, dtype=int)) or 1
    at_once = max(model.encoder.stride, _AT_ONCE // values)

    def embedded(searched: Sources) -> Iterator[Vectors]:
        for piece in embed_all(model, searched, positions_per_batch=at_once, device=device, progress=progress):
            yield Vectors(piece.source, piece.first_step, (piece.z_TD, piece.c_TC)[kind])

    width = model.encoder.dim + model.context.dim
    steps = sum(sources.length(i) for i in range(len(sources))) // model.encoder.stride * model.encoder.layout.sequences
    if steps * width <= _HELD:
        held = list(embedded(sources))
        return best_steps(held, query_QD, scale_of(held), top=top)
    chosen = np.random.default_rng(0).permutation(len(sources))[:_MOST_SOURCES]
    scale = scale_of(embedded(sources.select(sorted(chosen.tolist()))))
    return best_steps(embedded(sources), query_QD, scale, top=top)


def scale_of(pieces: Iterable[Vectors]) -> Scale:
    """The scale of all steps of `pieces`, from running sums. A constant column keeps its unit. Raises CPCError for no step."""
    count, mean_D, spread_D = 0, np.zeros(1), np.zeros(1)
    for piece in pieces:
        if not len(piece.x_TD):
            continue
        x_TD = piece.x_TD.astype(np.float64)
        # Chan, Golub & LeVeque 1979: the sums of squares of two parts, joined without cancellation.
        own_D, new = x_TD.mean(axis=0), count + len(x_TD)
        gap_D = own_D - mean_D
        spread_D = spread_D + np.square(x_TD - own_D).sum(axis=0) + np.square(gap_D) * count * len(x_TD) / new
        mean_D, count = mean_D + gap_D * len(x_TD) / new, new
    if not count:
        raise CPCError("there is no step to compare with: every source is shorter than one step. Name longer sources.")
    return Scale.from_moments(mean_D, np.sqrt(spread_D / count), relative=0, absolute=0, constant=1)


def best_steps(pieces: Iterable[Vectors], query_QD: np.ndarray, scale: Scale, *, top: int) -> list[list[Near]]:
    """The `top` steps for each query (not yet scaled), best first; equal ones in the order of the pieces."""
    unit_QD = _unit(scale(query_QD))
    best: list[list[Near]] = [[] for _ in unit_QD]
    for piece in pieces:
        for query, cosine_T in enumerate(unit_QD @ _unit(scale(piece.x_TD)).T):
            order = np.argsort(-cosine_T, kind="stable")[:top]
            own = [Near(float(cosine_T[t]), piece.source, int(t) + piece.first_step) for t in order]
            best[query] = sorted([*best[query], *own], key=lambda near: -near.cosine)[:top]
    return best


def _unit(x_TD: np.ndarray) -> np.ndarray:
    """[T, D] float32 of length 1; a vector of zeros stays one."""
    length_T1 = np.linalg.norm(x_TD, axis=1, keepdims=True)
    return (x_TD / np.where(length_T1 > 0, length_T1, 1)).astype(np.float32)
