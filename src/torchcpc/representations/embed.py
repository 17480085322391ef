"""A trained model over whole sources of any length: the representations that are the product."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from torchcpc.contracts import CPCError, Sources, Window
from torchcpc.data.windows import whole


class Embedded(NamedTuple):
    """z_TD and c_TC of one sequence of source number `source`, from its step `first_step` on: one row per step, float32.

    sequence: 0, or in a picture its place in the encoder's Layout.
    """

    source: int
    z_TD: np.ndarray
    c_TC: np.ndarray
    first_step: int = 0
    sequence: int = 0


@torch.inference_mode()
def embed(model: Any, batches: Iterable[tuple[list[int], Window]], *, device: torch.device | str = "cpu") -> Iterator[Embedded]:
    """Embeds padded batches of whole sources, as `data.windows.whole` cuts them.

    Padding changes nothing (checked to 1e-5): the encoder and the context look back only, and steps that the padding touches
    are left out. The model is used as it is: call model.eval() first if it has layers that differ in training.
    """
    for indices, window in batches:
        window = window.to(device)
        z_BTD = model.encoder(window.x)
        c_BTC, _ = model.context(z_BTD)
        # Steps in which nothing was observed are no targets, but they have their place: only the padding is left out.
        filled = replace(window, x=torch.zeros_like(window.x))
        valid_BT = model.encoder.steps(filled).valid
        each = model.encoder.layout.sequences
        # So these steps are one stretch: padding stands at the ends.
        first_B, count_B = valid_BT.int().argmax(dim=1).tolist(), valid_BT.sum(dim=1).tolist()
        for row, (first, count) in enumerate(zip(first_B, count_B, strict=True)):
            stretch = slice(first, first + count)
            yield Embedded(indices[row // each], _array(z_BTD[row, stretch]), _array(c_BTC[row, stretch]), first, row % each)


@torch.inference_mode()
def embed_long(
    model: Any, sequences: Sources, index: int, *, positions: int, device: torch.device | str = "cpu"
) -> Iterator[Embedded]:
    """One source in pieces of about `positions`, in bounded memory, joined exactly: the pieces equal the whole.

    Each piece is read with as many earlier steps as the receptive field reaches back, whose embeddings are dropped again, and
    the context's state is carried over.
    """
    stride = model.encoder.stride
    warm = -(-(model.encoder.receptive_field - stride) // stride)
    piece = positions // stride
    if piece < 1:
        raise CPCError(f"positions = {positions}: a piece must hold at least one step of {stride} positions.")
    state, total = None, sequences.length(index) // stride
    for first in range(0, total, piece):
        before = min(warm, first)
        x = sequences.read(index, (first - before) * stride, (before + min(piece, total - first)) * stride)
        z_1TD = model.encoder(torch.from_numpy(x).unsqueeze(0).to(device))[:, before:]
        c_1TC, state = model.context(z_1TD, state)
        yield Embedded(index, _array(z_1TD[0]), _array(c_1TC[0]), first)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()


def embed_all(
    model: Any,
    sequences: Sources,
    *,
    positions_per_batch: int = 1_000_000,
    device: torch.device | str = "cpu",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Embedded]:
    """Every source, short ones in padded batches, those longer than a batch piece by piece: bounded memory for any length.

    positions_per_batch: raw positions embedded at once, padding counted (a million samples are a minute of speech).
    """
    done = 0
    for indices, window in whole(sequences, positions_per_batch=positions_per_batch):
        yield from embed(model, [(indices, window)], device=device)
        progress(done := done + len(indices), len(sequences))
    for index in range(len(sequences)):
        if sequences.length(index) > positions_per_batch:
            yield from embed_long(model, sequences, index, positions=positions_per_batch, device=device)
            progress(done := done + 1, len(sequences))


def embedded_sources(model: Any, sequences: Sources, **settings: Any) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(source, z_TD, c_TC) of every source that has a step, whole, in the order in which `embed_all` comes to them; the sequences of
    one source one after another."""
    for source, pieces in groupby(embed_all(model, sequences, **settings), key=lambda embedded: embedded.source):
        own = list(pieces)
        yield source, np.concatenate([piece.z_TD for piece in own]), np.concatenate([piece.c_TC for piece in own])


def frames(model: Any, sequences: Sources, **settings: Any) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """All of z_TD and all of c_TC, in the order of the sources, in memory."""
    z = [np.zeros((0, model.encoder.dim), np.float32)] * len(sequences)
    c = [np.zeros((0, model.context.dim), np.float32)] * len(sequences)
    for source, z_TD, c_TC in embedded_sources(model, sequences, **settings):
        z[source], c[source] = z_TD, c_TC
    return z, c
