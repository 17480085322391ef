"""Cut sources into batches of windows: at random for training, in order for validation, whole for embedding.

The windows of a batch depend only on (seed, step, rank). There are no epochs, and there is no state to save.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from torchcpc.contracts import Count, CPCError, Sources, Window

# Attempts to find starts in one source whose windows are not all neighbours.
_REDRAWS = 64


class RandomWindows:
    """Batches of random windows.

    Sources are chosen in proportion to their length, and starts are uniform. A source shorter than a window is padded with
    zeros at its end.

    Steps of one source, or of one stretch of it, may be forbidden to compete. A batch of several groups is therefore never
    from a single source if there are two. Windows of one source are not all neighbours if the source is long enough. Groups
    are chosen in proportion to their material. The sources of a group, and the groups of a batch, are distinct if there are
    enough of them.

    Args:
        sources: The sources.
        align: Starts are multiples of it (the stride of the encoder). A step is then the same event in every window that
            holds it.
        seed: Seed of the windows.
        length: Positions of a window: samples of audio, rows of a series or picture, sentences of a text.
        batch: Windows of an update.
        windows_per_group: Windows of each group (speaker, patient) in a batch. 1 draws from all groups. Negatives of the
            same speaker need 2 or more.

    Raises:
        CPCError: If the sizes cannot be met.
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
        # Sources without positions have no share, and they must not be drawn where a group has few others.
        group = np.array([sources.group(i) if size[i] else -1 for i in range(len(sources))])
        self._members = [np.flatnonzero(group == g) for g in np.unique(group[size > 0])] if windows_per_group > 1 else []
        self._share = [size[m] / size[m].sum() for m in self._members]
        self._of_group = np.array([size[m].sum() for m in self._members]) / size.sum()
        self._of_source = size / size.sum()

    def draw(self, step: int, rank: int = 0) -> Window:
        """Return the batch of an update; several threads may call it at once.

        Args:
            step: Number of the update, from 0.
            rank: Number of the process.
        """
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
    """Check the sizes of windows and batches.

    Args:
        length: Positions of a window.
        batch: Windows of an update.
        windows_per_group: Windows of each group in a batch.
        align: Positions of a step.

    Raises:
        CPCError: If a window is shorter than a step, or a batch is not a whole number of groups.
    """
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
    """Draw `count` indices in proportion to their shares, not all of them equal if there are others."""
    chosen = rng.choice(len(share_N), count, p=share_N, replace=replace)
    others_N = share_N * (np.arange(len(share_N)) != chosen[0])
    if count > 1 and others_N.any() and (chosen == chosen[0]).all():
        chosen[-1] = rng.choice(len(others_N), p=others_N / others_N.sum())
    return chosen


def cut(
    sources: Sources, indices: Sequence[int], starts: Sequence[int], length: int, rng: np.random.Generator | None = None
) -> Window:
    """Cut a window of equal length from each source at each start, with zeros after the end of a source.

    Args:
        sources: The sources.
        indices: Number of the source of each window.
        starts: First position of each window.
        length: Positions of a window.
        rng: Source of randomness for training windows. None reads them without variation.
    """
    parts = [sources.read(i, start, length, rng) for i, start in zip(indices, starts, strict=True)]
    x = np.zeros((len(parts), length, *parts[0].shape[1:]), dtype=parts[0].dtype)
    for row, part in zip(x, parts, strict=True):
        row[: len(part)] = part
    metadata = (indices, [sources.group(i) for i in indices], starts, [len(part) for part in parts])
    return Window(torch.from_numpy(x), *(torch.tensor(column, dtype=torch.int64) for column in metadata))


def sequential(sources: Sources, *, length: int, batch: int, align: int = 1, limit: int | None = None) -> list[Window]:
    """Return windows that cover the sources end to end.

    Windows start at multiples of `align`. They overlap by less than `align` if `length` is not a multiple of it. The
    windows of a batch come from different places in the list. All windows are in memory. A source shorter than a window
    gives one padded window. A tail of at most half a window is left out.

    Args:
        sources: The sources.
        length: Positions of a window.
        batch: Windows of a batch.
        align: Stride of the encoder.
        limit: Largest number of windows, spread evenly over all. None for no limit.

    Raises:
        CPCError: If a size is below 1.
    """
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
    # Strided, so that a batch mixes sources.
    batches = [starts[n::count] for n in range(count)]
    return [cut(sources, [i for i, _ in rows], [start for _, start in rows], length) for rows in batches]


def whole(sources: Sources, *, positions_per_batch: int, short: int | None = None) -> Iterator[tuple[list[int], Window]]:
    """Yield every source from start to end, in batches of similar length, the longest first.

    The batch that needs most memory therefore comes first. A position of several values, such as a row of pixels, counts as
    several. Longer sources than `positions_per_batch` are left out, since they are read in pieces.

    Args:
        sources: The sources.
        positions_per_batch: Positions of a batch at most, including padding.
        short: Positions of a batch of several sources at most. `positions_per_batch` by default.

    Yields:
        The numbers of the sources, and their window.
    """
    several = min(short or positions_per_batch, positions_per_batch)
    order = sorted((i for i in range(len(sources)) if sources.length(i) <= positions_per_batch), key=sources.length)
    while order:
        values = sources.read(order[-1], 0, 1).size
        size = max(1, several // max(1, sources.length(order[-1]) * values))
        indices, order = order[-size:], order[:-size]
        yield indices, cut(sources, indices, [0] * len(indices), sources.length(indices[-1]))
