"""Cutting sources into batches of windows: at random for training, in order for validation, whole for embedding.

Which windows a batch holds is a function of (seed, step, rank) alone: there is no epoch and no state to save.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from torchcpc.contracts import Count, CPCError, Sources, Window

# Draws of starts in one source, until its windows are not all neighbours.
_REDRAWS = 64


class RandomWindows:
    """Batches of random windows: sources are drawn in proportion to their length, starts are uniform.

    A source shorter than a window is padded with zeros at its end. Steps of one source, or of one stretch of it, may be forbidden
    to compete. So a batch of several groups is never all of one source where there are two, and windows of one source are not all
    neighbours where it is long enough.

    Groups are drawn in proportion to their material. The sources of a group, and the groups of a batch, differ where there are that many.

    Args:
        align: Starts are multiples of it (the encoder's stride), so that a step is the same event in every window that holds it.
        length: Positions of a window: samples of audio, rows of a series or picture, sentences of a text.
        batch: Windows of an update.
        windows_per_group: Windows of each group (speaker, patient) in a batch; 1 draws them from anyone. Negatives of the same speaker
            need 2 or more.

    Raises:
        CPCError: For sizes that cannot be met.
    """

    def __init__(
        self, sources: Sources, align: int = 1, seed: int = 0, *, length: Count, batch: Count, windows_per_group: Count = 1
    ) -> None:
        check_sizes(length=length, batch=batch, windows_per_group=windows_per_group, align=align)
        if not len(sources):
            raise CPCError("there is no source to train on. Hold out fewer of them.")
        if align < 1 or seed < 0:
            raise CPCError(f"align = {align}, seed = {seed}: align must be at least 1, and a seed cannot be negative.")
        self.sources, self.align, self.seed = sources, align, seed
        self.length, self.batch, self.windows_per_group = length, batch, windows_per_group
        size = np.array([sources.length(i) for i in range(len(sources))], dtype=np.float64)
        if size.max() < align:
            raise CPCError(
                f"the longest of {len(size)} sources has {size.max():.0f} positions, less than one step of {align}. Name longer ones."
            )
        # Sources without any position have no share, and would have to be drawn where a group has few others.
        group = np.array([sources.group(i) if size[i] else -1 for i in range(len(sources))])
        self._members = [np.flatnonzero(group == g) for g in np.unique(group[size > 0])] if windows_per_group > 1 else []
        self._share = [size[m] / size[m].sum() for m in self._members]
        self._of_group = np.array([size[m].sum() for m in self._members]) / size.sum()
        self._of_source = size / size.sum()

    def draw(self, step: int, rank: int = 0) -> Window:
        """The batch of update `step` (from 0) on process `rank`; may be called from several threads at once."""
        rng = np.random.default_rng((self.seed, step, rank))
        chosen = self._sources(rng)
        starts = self._starts(chosen, rng)
        for _ in range(_REDRAWS if len(set(chosen)) == 1 < self.batch else 0):
            if any(np.diff(sorted(starts)) > self.length):
                break
            starts = self._starts(chosen, rng)
        return cut(self.sources, chosen, starts, self.length, rng)

    def _starts(self, chosen: Sequence[int], rng: np.random.Generator) -> list[int]:
        last = [max(0, self.sources.length(index) - self.length) // self.align for index in chosen]
        return [int(rng.integers(end + 1)) * self.align for end in last]

    def _sources(self, rng: np.random.Generator) -> list[int]:
        n = self.windows_per_group
        if n == 1:
            return _not_all_one(self._of_source, self.batch, True, rng).tolist()
        wanted = self.batch // n
        groups = _not_all_one(self._of_group, wanted, wanted > len(self._members), rng)
        parts = [rng.choice(self._members[g], n, p=self._share[g], replace=n > len(self._members[g])) for g in groups]
        return np.concatenate(parts).tolist()


def check_sizes(*, length: int, batch: int, windows_per_group: int, align: int) -> None:
    """Raises CPCError for windows shorter than a step of `align` positions, and for a batch that is no whole number of groups."""
    if length < align:
        raise CPCError(f"windows.length = {length}: shorter than one step of {align} positions. Lengthen the window.")
    if batch < 1 or windows_per_group < 1:
        raise CPCError(f"windows.batch = {batch}, windows.windows_per_group = {windows_per_group}: both must be at least 1.")
    if batch % windows_per_group:
        raise CPCError(
            f"windows.batch = {batch} cannot be split into groups of windows.windows_per_group = {windows_per_group}. "
            "Make the batch a multiple of it."
        )


def _not_all_one(share_N: np.ndarray, count: int, replace: bool, rng: np.random.Generator) -> np.ndarray:
    """[count] indices drawn in proportion to their shares, not all of them the same where there are others."""
    chosen = rng.choice(len(share_N), count, p=share_N, replace=replace)
    others_N = share_N * (np.arange(len(share_N)) != chosen[0])
    if count > 1 and others_N.any() and (chosen == chosen[0]).all():
        chosen[-1] = rng.choice(len(others_N), p=others_N / others_N.sum())
    return chosen


def cut(
    sources: Sources, indices: Sequence[int], starts: Sequence[int], length: int, rng: np.random.Generator | None = None
) -> Window:
    """The window of `length` positions from each source at each start, zeros where the source ends; varied, given an `rng`."""
    parts = [sources.read(i, start, length, rng) for i, start in zip(indices, starts, strict=True)]
    x = np.zeros((len(parts), length, *parts[0].shape[1:]), dtype=parts[0].dtype)
    for row, part in zip(x, parts, strict=True):
        row[: len(part)] = part
    metadata = (indices, [sources.group(i) for i in indices], starts, [len(part) for part in parts])
    return Window(torch.from_numpy(x), *(torch.tensor(column, dtype=torch.int64) for column in metadata))


def sequential(sources: Sources, *, length: int, batch: int, align: int = 1, limit: int | None = None) -> list[Window]:
    """Windows that cover the sources end to end, each window of a batch from another place in the list. They start at multiples of `align`
    (the encoder's stride), and overlap by less than it where `length` is no multiple. At most `limit`
    windows, spread evenly over all there are, and all in memory; a source shorter than a window gives one padded window, and a tail of at
    most half a window is left out. Raises CPCError for sizes below 1."""
    if min(length, batch, 1 if limit is None else limit) < 1:
        raise CPCError(f"length = {length}, batch = {batch}, limit = {limit}: each must be at least 1.")
    starts = [
        (i, start)
        for i in range(len(sources))
        if sources.length(i)
        for start in range(0, max(1, sources.length(i) - length // 2), max(align, length // align * align))
    ]
    if limit is not None and len(starts) > limit:
        starts = [starts[n * len(starts) // limit] for n in range(limit)]
    count = -(-len(starts) // batch)
    # Strided, so that a batch mixes sources instead of holding one of them.
    batches = [starts[n::count] for n in range(count)]
    return [cut(sources, [i for i, _ in rows], [start for _, start in rows], length) for rows in batches]


def whole(sources: Sources, *, positions_per_batch: int, short: int | None = None) -> Iterator[tuple[list[int], Window]]:
    """Every source from start to end, in batches of similar length of at most so many positions, padding counted. A position of several
    values (a row of pixels) counts as so many, but a source of no more positions than positions_per_batch always has its batch. Longest
    first, so that the batch that needs most memory comes first. Sources longer than that are left out: they are for reading in pieces.
    short: the positions of a batch that holds several sources, at most and by default positions_per_batch."""
    several = min(short or positions_per_batch, positions_per_batch)
    order = sorted((i for i in range(len(sources)) if sources.length(i) <= positions_per_batch), key=sources.length)
    while order:
        values = sources.read(order[-1], 0, 1).size
        size = max(1, several // max(1, sources.length(order[-1]) * values))
        indices, order = order[-size:], order[:-size]
        yield indices, cut(sources, indices, [0] * len(indices), sources.length(indices[-1]))
