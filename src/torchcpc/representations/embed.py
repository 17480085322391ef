"""Embedding of whole sources of any length with a trained model."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple, TypedDict, Unpack

import numpy as np
import torch
from torch import Tensor

from torchcpc.contracts import CPCError, Model, Progress, Sources, Window, counted, silent
from torchcpc.data.windows import whole

# The positions in a batch of several sources on a CPU. Larger batches take a third longer, because layer outputs do not fit the caches.
_SHORT_ON_CPU = 1 << 17


class Embedded(NamedTuple):
    """The representations of a part of one sequence.

    Attributes:
        source: The number of the source.
        z_TD: The steps z, [T, D] float32.
        c_TC: The contexts c, [T, C] float32.
        first_step: The number of the first of these steps.
        sequence: 0, or for a picture the place of the sequence in the encoder's `Layout`.
    """

    source: int
    z_TD: np.ndarray
    c_TC: np.ndarray
    first_step: int = 0
    sequence: int = 0


class SourceSteps(NamedTuple):
    """The representations of all steps of one sequence.

    Attributes:
        source: The number of the source.
        group: The number of its group.
        z_TD: The steps z, [T, D].
        c_TC: The contexts c, [T, C].
        sequence: 0, or for a picture the place of the sequence in the encoder's `Layout`.
    """

    source: int
    group: int
    z_TD: Tensor
    c_TC: Tensor
    sequence: int = 0


class EmbedOptions(TypedDict, total=False):
    """The keyword arguments of `embed_all`.

    Attributes:
        positions_per_batch: The raw positions that are embedded at once, with padding.
        device: Where the model runs.
        progress: Is called with the steps that are done.
    """

    positions_per_batch: int
    device: str
    progress: Progress


@torch.inference_mode()
def embed_batches(model: Model, batches: Iterable[tuple[list[int], Window]], *, device: str = "cpu") -> Iterator[Embedded]:
    """Embed padded batches of whole sources.

    Padding does not change the result (checked to 1e-5). Encoder and context only look back, and steps that touch
    padding are dropped. If a layer differs in training, the model must be in evaluation mode.

    Args:
        model: The model, on `device`.
        batches: The numbers of the sources and their window, as `data.windows.whole` cuts them.
        device: Where the model runs.

    Yields:
        The representations of each sequence.
    """
    for indices, window in batches:
        window = window.to(device)
        z_BTD = model.encoder(window.x)
        c_BTC, _ = model.context(z_BTD)
        # Steps without any observed value are never targets, but they stay in the sequence. Only padding is dropped.
        filled = replace(window, x=torch.zeros_like(window.x))
        valid_BT = model.encoder.steps(filled).valid
        each = model.encoder.layout.sequences
        # Padding is at the ends, so the valid steps are contiguous.
        first_B, count_B = valid_BT.int().argmax(dim=1).tolist(), valid_BT.sum(dim=1).tolist()
        for row, (first, count) in enumerate(zip(first_B, count_B, strict=True)):
            stretch = slice(first, first + count)
            yield Embedded(indices[row // each], _array(z_BTD[row, stretch]), _array(c_BTC[row, stretch]), first, row % each)


@torch.inference_mode()
def embed_long(model: Model, sources: Sources, index: int, *, positions: int, device: str = "cpu") -> Iterator[Embedded]:
    """Embed one long source in pieces, in bounded memory.

    The result equals that of the whole source. Each piece is read together with the earlier steps in its receptive
    field, and these are dropped again. The state of the context is carried over.

    Args:
        model: The model, on `device`.
        sources: The sources.
        index: The number of the source.
        positions: The raw positions in one piece.
        device: Where the model runs.

    Yields:
        The representations of each piece.

    Raises:
        CPCError: If a piece is shorter than one step.
    """
    stride = model.encoder.stride
    warm = -(-(model.encoder.receptive_field - stride) // stride)
    piece = positions // stride
    if piece < 1:
        raise CPCError(f"positions = {positions}: a piece must hold at least one step of {stride} positions.")
    state, total = None, sources.length(index) // stride
    for first in range(0, total, piece):
        before = min(warm, first)
        x = sources.read(index, (first - before) * stride, (before + min(piece, total - first)) * stride)
        z_1TD = model.encoder(torch.from_numpy(x).unsqueeze(0).to(device))[:, before:]
        c_1TC, state = model.context(z_1TD, state)
        yield Embedded(index, _array(z_1TD[0]), _array(c_1TC[0]), first)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()


def embed_all(
    model: Model, sources: Sources, *, positions_per_batch: int = 1_000_000, device: str = "cpu", progress: Progress = silent
) -> Iterator[Embedded]:
    """Embed all sources in bounded memory.

    Short sources are embedded in padded batches, long ones in pieces.

    Args:
        model: The model, on `device`.
        sources: The sources.
        positions_per_batch: The raw positions that are embedded at once, with padding. A million samples are a minute
            of speech.
        device: Where the model runs.
        progress: Is called with the steps that are done, because sources differ in length.

    Yields:
        The representations of each sequence or piece.
    """
    report = _progress_of(sources, model.encoder.stride, progress)
    report([], 0)
    short = _SHORT_ON_CPU if torch.device(device).type == "cpu" else None
    for indices, window in whole(sources, positions_per_batch=positions_per_batch, short=short):
        yield from embed_batches(model, [(indices, window)], device=device)
        report(indices, sum(sources.length(index) // model.encoder.stride for index in indices))
    for index in range(len(sources)):
        if sources.length(index) > positions_per_batch:
            for piece in embed_long(model, sources, index, positions=positions_per_batch, device=device):
                yield piece
                report([], len(piece.z_TD))
            report([index], 0)


def _progress_of(sources: Sources, stride: int, progress: Progress) -> Callable[[Sequence[int], int], None]:
    """Return a function that takes the finished sources and the number of new steps, and reports progress."""
    total, steps, finished = sum(sources.length(index) // stride for index in range(len(sources))), 0, 0

    def report(indices: Sequence[int], new: int) -> None:
        nonlocal steps, finished
        steps, finished = steps + new, finished + len(indices)
        progress(steps, total, f"{finished:,} of {counted(len(sources), 'source')}")

    return report


def steps_of(
    model: Model, sources: Sources, indices: Sequence[int] | None = None, **options: Unpack[EmbedOptions]
) -> Iterator[SourceSteps]:
    """Yield each sequence of the sources in one piece.

    Args:
        model: The model.
        sources: The sources.
        indices: The numbers of the sources to embed. Default: all.
        **options: The options of `embed_all`.
    """
    chosen = sources if indices is None else sources.select(list(indices))
    for first, z_TD, c_TC in _joined(embed_all(model, chosen, **options), by=lambda piece: (piece.source, piece.sequence)):
        number = first.source if indices is None else indices[first.source]
        z, c = torch.from_numpy(z_TD), torch.from_numpy(c_TC)
        yield SourceSteps(number, chosen.group(first.source), z, c, first.sequence)


def embedded_sources(
    model: Model, sources: Sources, **options: Unpack[EmbedOptions]
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield the number of each source with its z_TD and c_TC.

    Sources without a step are left out. The order is that of `embed_all`. The sequences of a picture follow one
    another.
    """
    for first, z_TD, c_TC in _joined(embed_all(model, sources, **options), by=lambda piece: piece.source):
        yield first.source, z_TD, c_TC


def _joined(pieces: Iterable[Embedded], by: Callable[[Embedded], object]) -> Iterator[tuple[Embedded, np.ndarray, np.ndarray]]:
    """Join neighbouring pieces with the same key. Yield the first piece, and z and c of all."""
    for own in (list(alike) for _, alike in groupby(pieces, key=by)):
        yield own[0], np.concatenate([piece.z_TD for piece in own]), np.concatenate([piece.c_TC for piece in own])


def frames(model: Model, sources: Sources, **options: Unpack[EmbedOptions]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return z_TD and c_TC of all sources in memory, in the order of the sources."""
    z = [np.zeros((0, model.encoder.dim), np.float32)] * len(sources)
    c = [np.zeros((0, model.context.dim), np.float32)] * len(sources)
    for source, z_TD, c_TC in embedded_sources(model, sources, **options):
        z[source], c[source] = z_TD, c_TC
    return z, c
