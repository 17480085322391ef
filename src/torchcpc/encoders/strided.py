"""Encoders whose steps follow each other every `stride` raw positions."""

import torch
from torch import Tensor, nn

from torchcpc.contracts import ONE_SEQUENCE, CPCError, Steps, Window


class Strided(nn.Module):
    """Base of such encoders. The defaults are those of a step of one position that sees only itself."""

    takes_missing = False
    layout = ONE_SEQUENCE
    stride = receptive_field = 1

    def steps(self, window: Window) -> Steps:
        """Return the metadata of the steps of a window. See `strided_steps`."""
        return strided_steps(window, self.stride)


def strided_steps(window: Window, stride: int) -> Steps:
    """Return the metadata of steps that follow each other every `stride` positions.

    `time` counts strides from the start of the source. A step that the padding cuts off is not valid.

    Args:
        window: The window.
        stride: Positions of a step.

    Returns:
        Steps, [B, floor(S / stride)].

    Raises:
        CPCError: If a window starts between two steps. Its steps would have the times of steps that see other positions.
    """
    check_aligned(window, stride)
    shape = (len(window.start), window.x.shape[1] // stride)
    t_1T = torch.arange(shape[1], device=window.start.device).unsqueeze(0)
    none_BT = torch.zeros(shape, dtype=torch.int64, device=window.start.device)
    return Steps(
        source=window.source.unsqueeze(1).expand(shape),
        group=window.group.unsqueeze(1).expand(shape),
        segment=none_BT,
        time=torch.div(window.start, stride, rounding_mode="floor").unsqueeze(1) + t_1T,
        valid=(t_1T + 1) * stride <= window.length.unsqueeze(1),
        view=none_BT,
    )


def check_aligned(window: Window, stride: int) -> None:
    """Check that windows start at a multiple of the stride.

    Args:
        window: The windows.
        stride: Positions of a step.

    Raises:
        CPCError: If one does not.
    """
    off = window.start % stride != 0
    if bool(off.any()):
        raise CPCError(
            f"{int(off.sum())} windows do not start at a multiple of the encoder's stride {stride}, the first at position "
            f"{int(window.start[off][0])}. Cut them with align = {stride}."
        )


def check_input(x: Tensor, unit: str, row: tuple[int, ...], least: int = 0) -> None:
    """Check that an input has the shape [batch, unit, *row].

    Args:
        x: The input.
        unit: Noun for the raw positions.
        row: Shape of a raw position.
        least: Positions of one step, the smallest number allowed.

    Raises:
        CPCError: If it has another shape, or fewer positions.
    """
    if x.dim() < 2 or x.shape[2:] != row or x.shape[1] < least:
        enough = f" with at least {least} samples (one step)" if least else ""
        raise CPCError(f"input of shape {tuple(x.shape)}: expected [{', '.join(map(str, ('batch', unit, *row)))}]{enough}.")
