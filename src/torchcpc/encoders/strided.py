"""Metadata of steps that follow one another every `stride` raw positions."""

from __future__ import annotations

import torch

from torchcpc.contracts import CPCError, Steps, Window


def strided_steps(window: Window, stride: int) -> Steps:
    """[B, floor(S / stride)] steps; time counts strides from the start of the source; a step cut off by the padding is not valid.

    Raises CPCError for a window that starts between two steps: its steps would bear the times of others that see other positions.
    """
    check_aligned(window, stride)
    shape = (len(window.start), window.x.shape[1] // stride)
    t_1T = torch.arange(shape[1], device=window.start.device).unsqueeze(0)
    return Steps(
        source=window.source.unsqueeze(1).expand(shape),
        group=window.group.unsqueeze(1).expand(shape),
        segment=torch.zeros(shape, dtype=torch.int64, device=window.start.device),
        time=torch.div(window.start, stride, rounding_mode="floor").unsqueeze(1) + t_1T,
        valid=(t_1T + 1) * stride <= window.length.unsqueeze(1),
        view=torch.zeros(shape, dtype=torch.int64, device=window.start.device),
    )


def check_aligned(window: Window, stride: int) -> None:
    """Raises CPCError for windows that start between two steps."""
    off = window.start % stride != 0
    if bool(off.any()):
        raise CPCError(
            f"{int(off.sum())} windows do not start at a multiple of the encoder's stride {stride}, the first at position "
            f"{int(window.start[off][0])}. Cut them with align = {stride}."
        )
