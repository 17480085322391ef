"""Search for the steps that are most similar to given ones.

The similarity is the cosine of standardised vectors. Any number of sources is searched in bounded memory.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, Unpack

import numpy as np

from torchcpc.contracts import CPCError, Model, Sources, Written, check_choice, check_rules, provides
from torchcpc.data.text.texts import from_strings
from torchcpc.representations.embed import EmbedOptions, embed_all, frames
from torchcpc.representations.result import NearestQuery, NearestTable, Neighbour
from torchcpc.representations.rows import find_step
from torchcpc.statistics.standardise import Scale

KINDS = ("z", "c")
# Up to this many numbers of vectors are kept in memory. Above, the vectors are computed twice.
# The second limit is for the numbers of input that are embedded at once.
_HELD, _AT_ONCE = 1 << 27, 1_000_000
# If not all vectors can be kept, the scale comes from this many sources.
_MOST_SOURCES = 512
# The number of a source, the first step of a part of it, and z_TD or c_TC of that part.
Vectors: TypeAlias = tuple[int, int, np.ndarray]


@dataclass(frozen=True, slots=True)
class NearestSpec:
    """What to search for.

    Attributes:
        sentences: Sentences, for a model of text.
        steps: Steps of the sources that are searched, each as "SOURCE:STEP".
        by: "z" compares single steps, and "c" compares steps with all that came before.
        top: How many similar steps to return for each query.
    """

    sentences: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    by: str = "z"
    top: int = 10

    def __post_init__(self) -> None:
        check_choice("by", self.by, KINDS)
        check_rules(
            self,
            top=(self.top >= 1, "at least 1"),
            steps=(self.sentences or self.steps, "nothing to find: give a sentence or a step (SOURCE:STEP)"),
            sentences=(all(sentence.strip() for sentence in self.sentences), "a sentence to search for cannot be empty"),
        )


class Near(NamedTuple):
    """A step that was found.

    Attributes:
        cosine: Its cosine with the query.
        source: The number of its source.
        step: Its number in the source.
    """

    cosine: float
    source: int
    step: int


def nearest(
    model: Model, sources: Sources, spec: NearestSpec, data_settings: Mapping[str, object], **options: Unpack[EmbedOptions]
) -> NearestTable:
    """Find the steps that are most similar to each query.

    A query that is a step itself is not among its results.

    Args:
        model: The trained model.
        sources: The sources that are searched.
        spec: The queries.
        data_settings: The [data] section of the model's settings. Sentences are read with them.
        **options: The options of `embed_all`.

    Returns:
        The steps of each query, the best first.

    Raises:
        CPCError: If there is a sentence but the model reads no text, or if a step does not exist.
    """
    kind, quiet = KINDS.index(spec.by), EmbedOptions(device=options.get("device", "cpu"))
    queries: list[tuple[str, np.ndarray, tuple[int, int] | None]] = []
    if spec.sentences:
        found = frames(model, from_strings(data_settings, [[sentence] for sentence in spec.sentences]), **quiet)[kind]
        queries += [(sentence, x_1D[0], None) for sentence, x_1D in zip(spec.sentences, found, strict=True)]
    for name in spec.steps:
        place = find_step(name, model, sources)
        (x_TD,) = frames(model, sources.select([place[0]]), **quiet)[kind]
        queries.append((name, x_TD[place[1]], place))
    # One more than wanted: a step is most similar to itself.
    found = search(model, sources, np.stack([x_D for _, x_D, _ in queries]), kind=kind, top=spec.top + 1, **options)
    made, keys = [], [item.key for item in sources.items]
    for (name, _, place), near in zip(queries, found, strict=True):
        others = [each for each in near if each[1:] != place][: spec.top]
        written = [sources.text(n, t, 1)[0] for _, n, t in others] if provides(sources, Written) else [""] * len(others)
        rows = (
            Neighbour(rank, cosine, step, keys[number], sentence)
            for rank, ((cosine, number, step), sentence) in enumerate(zip(others, written, strict=True), start=1)
        )
        made.append(NearestQuery(name, tuple(rows)))
    return NearestTable(spec.by, tuple(made))


def search(
    model: Model, sources: Sources, query_QD: np.ndarray, *, kind: int, top: int, **options: Unpack[EmbedOptions]
) -> list[list[Near]]:
    """Return the `top` steps of all sources for each query, the best first.

    Vectors are standardised by the mean and deviation of all steps that are searched. If these do not fit into
    memory, 512 sources are embedded twice, and the scale is theirs.

    Args:
        model: The trained model.
        sources: The sources that are searched.
        query_QD: The vectors of the queries, [Q, D].
        kind: 0 compares z, 1 compares c.
        top: How many steps to return for each query.
        **options: The options of `embed_all`.
    """
    values = int(np.prod(model.encoder.row_shape, dtype=int)) or 1
    options["positions_per_batch"] = max(model.encoder.stride, _AT_ONCE // values)

    def embedded(searched: Sources) -> Iterator[Vectors]:
        for piece in embed_all(model, searched, **options):
            yield piece.source, piece.first_step, (piece.z_TD, piece.c_TC)[kind]

    width = model.encoder.dim + model.context.dim
    steps = sum(sources.length(i) for i in range(len(sources))) // model.encoder.stride * model.encoder.layout.sequences
    if steps * width <= _HELD:
        held = list(embedded(sources))
        return best_steps(held, query_QD, scale_of(held), top=top)
    chosen = np.random.default_rng(0).permutation(len(sources))[:_MOST_SOURCES]
    scale = scale_of(embedded(sources.select(sorted(chosen.tolist()))))
    return best_steps(embedded(sources), query_QD, scale, top=top)


def scale_of(pieces: Iterable[Vectors]) -> Scale:
    """Return the scale of all steps of `pieces`, from running sums. A constant column keeps its unit.

    Raises:
        CPCError: If there is no step.
    """
    count, mean_D, spread_D = 0, np.zeros(1), np.zeros(1)
    for x_TD in (x_TD.astype(np.float64) for *_, x_TD in pieces if len(x_TD)):
        # Chan, Golub & LeVeque 1979 join the sums of squares of two parts without cancellation.
        own_D, new = x_TD.mean(axis=0), count + len(x_TD)
        gap_D = own_D - mean_D
        spread_D = spread_D + np.square(x_TD - own_D).sum(axis=0) + np.square(gap_D) * count * len(x_TD) / new
        mean_D, count = mean_D + gap_D * len(x_TD) / new, new
    if not count:
        raise CPCError("there is no step to compare with: every source is shorter than one step. Name longer sources.")
    return Scale.from_moments(mean_D, np.sqrt(spread_D / count), relative=0, absolute=0, constant=1)


def best_steps(pieces: Iterable[Vectors], query_QD: np.ndarray, scale: Scale, *, top: int) -> list[list[Near]]:
    """Return the `top` steps for each query, the best first. Equal steps keep the order of the pieces.

    The queries are not yet standardised.
    """
    unit_QD = _unit(scale(query_QD))
    best: list[list[Near]] = [[] for _ in unit_QD]
    for source, first, x_TD in pieces:
        for query, cosine_T in enumerate(unit_QD @ _unit(scale(x_TD)).T):
            order = np.argsort(-cosine_T, kind="stable")[:top]
            own = [Near(float(cosine_T[t]), source, int(t) + first) for t in order]
            best[query] = sorted([*best[query], *own], key=lambda near: -near.cosine)[:top]
    return best


def _unit(x_TD: np.ndarray) -> np.ndarray:
    """Return rows of length 1, [T, D] float32. A row of zeros stays zero."""
    length_T1 = np.linalg.norm(x_TD, axis=1, keepdims=True)
    return (x_TD / np.where(length_T1 > 0, length_T1, 1)).astype(np.float32)
