"""A trained model over whole sources of any length."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple, TypedDict, Unpack

import numpy as np
import torch
from torch import Tensor

from torchcpc.contracts import CPCError, Model, Progress, Sources, Window, counted, silent
from torchcpc.data.windows import whole

# Positions of a batch of several sources on a CPU. What a layer makes of more of them leaves the caches, which takes a third longer.
_SHORT_ON_CPU = 1 << 17


class Embedded(NamedTuple):
    """A stretch of one sequence: z_TD and c_TC of source number `source` from step `first_step` on, float32. sequence: 0, or in a picture
    its place in the encoder's Layout."""

    source: int
    z_TD: np.ndarray
    c_TC: np.ndarray
    first_step: int = 0
    sequence: int = 0


class SourceSteps(NamedTuple):
    """All steps of one sequence: the number of its source, the number of its group, z_TD and c_TC."""

    source: int
    group: int
    z_TD: Tensor
    c_TC: Tensor
    sequence: int = 0


class EmbedOptions(TypedDict, total=False):
    """The keywords of `embed_all`."""

    positions_per_batch: int
    device: str
    progress: Progress


@torch.inference_mode()
def embed_batches(model: Model, batches: Iterable[tuple[list[int], Window]], *, device: str = "cpu") -> Iterator[Embedded]:
    """Embeds padded batches of whole sources, as `data.windows.whole` cuts them. Padding changes nothing (checked to 1e-5): encoder and
    context look back only, and steps that touch padding are dropped. The model must be in evaluation mode if it has layers that differ in
    training."""
    for indices, window in batches:
        window = window.to(device)
        z_BTD = model.encoder(window.x)
        c_BTC, _ = model.context(z_BTD)
        # Steps without any observed value are no targets, but they keep their place. Only padding is dropped.
        filled = replace(window, x=torch.zeros_like(window.x))
        valid_BT = model.encoder.steps(filled).valid
        each = model.encoder.layout.sequences
        # Padding stands at the ends, so the valid steps are one stretch.
        first_B, count_B = valid_BT.int().argmax(dim=1).tolist(), valid_BT.sum(dim=1).tolist()
        for row, (first, count) in enumerate(zip(first_B, count_B, strict=True)):
            stretch = slice(first, first + count)
            yield Embedded(indices[row // each], _array(z_BTD[row, stretch]), _array(c_BTC[row, stretch]), first, row % each)


@torch.inference_mode()
def embed_long(model: Model, sources: Sources, index: int, *, positions: int, device: str = "cpu") -> Iterator[Embedded]:
    """Embeds one source in pieces of about `positions`, in bounded memory. The pieces equal the whole. Each piece is read with the earlier
    steps that its receptive field reaches, which are dropped again. The state of the context is carried over. Raises CPCError for pieces
    shorter than a step."""
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
    """Embeds every source in bounded memory: short ones in padded batches, longer ones piece by piece. positions_per_batch: raw positions
    embedded at once, padding included. A million samples are a minute of speech. progress: hears of
    steps, since sources differ in length."""
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
    """Takes the sources that are finished and the number of steps that are new, and reports the steps done of all."""
    total, steps, finished = sum(sources.length(index) // stride for index in range(len(sources))), 0, 0

    def report(indices: Sequence[int], new: int) -> None:
        nonlocal steps, finished
        steps, finished = steps + new, finished + len(indices)
        progress(steps, total, f"{finished:,} of {counted(len(sources), 'source')}")

    return report


def steps_of(
    model: Model, sources: Sources, indices: Sequence[int] | None = None, **options: Unpack[EmbedOptions]
) -> Iterator[SourceSteps]:
    """Every sequence of every source, or of those at `indices`, in one piece. Their numbers are positions in `sources`."""
    chosen = sources if indices is None else sources.select(list(indices))
    for first, z_TD, c_TC in _joined(embed_all(model, chosen, **options), by=lambda piece: (piece.source, piece.sequence)):
        number = first.source if indices is None else indices[first.source]
        z, c = torch.from_numpy(z_TD), torch.from_numpy(c_TC)
        yield SourceSteps(number, chosen.group(first.source), z, c, first.sequence)


def embedded_sources(
    model: Model, sources: Sources, **options: Unpack[EmbedOptions]
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(source, z_TD, c_TC) of every source that has a step, in the order of `embed_all`. A source's sequences follow one another."""
    for first, z_TD, c_TC in _joined(embed_all(model, sources, **options), by=lambda piece: piece.source):
        yield first.source, z_TD, c_TC


def _joined(pieces: Iterable[Embedded], by: Callable[[Embedded], object]) -> Iterator[tuple[Embedded, np.ndarray, np.ndarray]]:
    """The first of the neighbouring pieces that are alike, and z and c of all of them."""
    for own in (list(alike) for _, alike in groupby(pieces, key=by)):
        yield own[0], np.concatenate([piece.z_TD for piece in own]), np.concatenate([piece.c_TC for piece in own])


def frames(model: Model, sources: Sources, **options: Unpack[EmbedOptions]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """All z_TD and all c_TC in memory, in the order of the sources."""
    z = [np.zeros((0, model.encoder.dim), np.float32)] * len(sources)
    c = [np.zeros((0, model.context.dim), np.float32)] * len(sources)
    for source, z_TD, c_TC in embedded_sources(model, sources, **options):
        z[source], c[source] = z_TD, c_TC
    return z, c
