"""Pictures -> one vector per patch of an overlapping grid: the paper, section 3.2, and CPC v2 (Henaff et al. 2020, arXiv:1905.09272).

A raw position is a row of pixels. A step is a row of patches, and each column of the grid is a sequence of its own, read from top to
bottom; in CPC v2 the grid is read from the other three sides as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from torchcpc.contracts import CPCError, Layout, Steps, Window
from torchcpc.encoders.patches import flipped, grid, shifted_crops, single_colour
from torchcpc.encoders.residual import residual_stacks
from torchcpc.encoders.strided import check_aligned
from torchcpc.encoders.views import DIRECTIONS, sequences


@dataclass(kw_only=True, eq=False, repr=False)
class PictureEncoder(nn.Module):
    """x [B, S, W, colours], rows of pixels in [-1, 1] -> z [B * sequences, T, dim], the spatial mean over each patch of a residual net.

    The defaults are the paper's: 7 x 7 patches of 64 pixels, 32 apart, of a grey picture of 256; a random crop of 60 padded back; the
    first three stacks of ResNet-v2-101 without batch norm, 1024 outputs.

    Step t ends with pixel row (t+1)*stride - 1 or before. The first patch ends later than the first `stride` rows, so the first
    ceil(patch / stride) - 1 steps are zero and not valid; T = that many + rows of the grid (S / stride where stride divides both S and
    patch). Steps closer than ceil(patch / stride) share pixels: let the predictor start there (the paper: 2).

    columns: of the grid, to which the width must fit. stem: "large" (7x7, stride 2, then pooled by 2), "half" (4x4, stride 2) or
    "small" (3x3), before the stacks. margin, flip, colour_drop vary single patches in training; see encoders.patches. directions:
    "down", and in CPC v2 also "up", "right", "left", for a square grid.
    """

    takes_missing = False

    patch: int = 64
    stride: int = 32
    columns: int = 7
    colours: int = 1
    stem: str = "large"
    width: int = 64
    blocks: Sequence[int] = (3, 4, 23)
    channels: Sequence[int] = (256, 512, 1024)
    inner: Sequence[int] = (64, 128, 256)
    normalisation: str = "none"
    margin: int = 4
    flip: float = 0.0
    colour_drop: float = 0.0
    directions: Sequence[str] = ("down",)

    def __post_init__(self) -> None:
        super().__init__()
        self._check()
        self.directions = tuple(self.directions)
        self.dim, self.layout = tuple(self.channels)[-1], Layout(len(self.directions), self.columns)
        self.receptive_field = self.patch
        # The narrowest picture of so many columns; up to stride - 1 pixels more are not used.
        self.row_shape = ((self.columns - 1) * self.stride + self.patch, self.colours)
        stacks = residual_stacks(
            self.width,
            blocks=tuple(self.blocks),
            channels=tuple(self.channels),
            inner=tuple(self.inner),
            normalisation=self.normalisation,
        )
        # Channels innermost: what CPU and GPU convolve fastest.
        layers = nn.Sequential(STEMS[self.stem](self.colours, self.width), *stacks)
        self.layers = layers.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def _check(self) -> None:
        """Raises CPCError for settings that do not fit; `residual_stacks` checks its own."""
        patch, stride, columns, colours, width = self.patch, self.stride, self.columns, self.colours, self.width
        if not 1 <= stride <= patch or columns < 1 or colours < 1 or width < 1:
            raise CPCError(
                f"patch = {patch}, stride = {stride}, columns = {columns}, colours = {colours}, width = {width}: all at least 1, and the "
                "stride at most the patch, or pixels between patches would be skipped."
            )
        margin, flip, colour_drop = self.margin, self.flip, self.colour_drop
        if not 0 <= margin < patch or not 0 <= flip <= 1 or not 0 <= colour_drop <= 1:
            raise CPCError(
                f"margin = {margin}, flip = {flip}, colour_drop = {colour_drop}: a margin smaller than the patch, and two probabilities."
            )
        directions = tuple(self.directions)
        if not directions or len(set(directions)) < len(directions) or not set(directions) <= DIRECTIONS.keys():
            raise CPCError(f"directions = {directions}: one or more of {', '.join(DIRECTIONS)}, each once.")
        if self.stem not in STEMS:
            raise CPCError(f"stem = {self.stem!r} is unknown. Choose one of {', '.join(STEMS)}.")

    @property
    def first_new_step(self) -> int:
        """The smallest k for which step t+k shares no pixel with step t; smaller k can be predicted by copying."""
        return -(-self.patch // self.stride)

    def forward(self, x_BSWc: Tensor) -> Tensor:
        rows = self._rows(x_BSWc)
        x_BRCchw = grid(x_BSWc, patch=self.patch, stride=self.stride)
        x_Pchw = x_BRCchw.flatten(0, 2).contiguous(memory_format=torch.channels_last)
        if self.training and self.colour_drop:
            x_Pchw = single_colour(x_Pchw, self.colour_drop)
        if self.training and self.flip:
            x_Pchw = flipped(x_Pchw, self.flip)
        if self.margin:
            x_Pchw = shifted_crops(x_Pchw, self.margin, training=self.training)
        z_PD = self.layers(x_Pchw).mean(dim=(2, 3))
        z_BRCD = z_PD.unflatten(0, (len(x_BSWc), rows, self.layout.columns))
        return sequences(z_BRCD, self.directions, lead=self.first_new_step - 1)

    def _rows(self, x_BSWc: Tensor) -> int:
        """Rows of the grid. Raises CPCError for pictures that do not make the grid."""
        B, S, W, c = x_BSWc.shape if x_BSWc.dim() == 4 else (0, 0, 0, 0)
        rows, columns = ((side - self.patch) // self.stride + 1 for side in (S, W))
        if c != self.colours or rows < 1 or columns != self.layout.columns:
            raise CPCError(
                f"input of shape {tuple(x_BSWc.shape)}: expected [batch, rows, width, {self.colours}] with {self.layout.columns} "
                f"patches of {self.patch} pixels, {self.stride} apart, across; this width makes {max(columns, 0)}. Set data.size, "
                "encoder.patch, encoder.stride, encoder.columns and encoder.colours so that they fit."
            )
        if rows != columns and self.directions != ("down",):
            raise CPCError(
                f"a grid of {rows} x {columns} patches read in the directions {', '.join(self.directions)}: a square one is needed. Use "
                "whole square pictures (windows.length = data.size), or directions = ['down']."
            )
        return rows

    def steps(self, window: Window) -> Steps:
        """source, group: of the picture. Read downwards, segment is the column and time the row in its picture; upwards time is
        minus the row; across, segment is the row and time plus or minus the column. view counts the directions."""
        check_aligned(window, self.stride)
        rows, columns, device = self._rows(window.x), self.layout.columns, window.start.device
        shape, lead = (len(window.start), rows, columns), self.first_new_step - 1
        first_B11 = torch.div(window.start, self.stride, rounding_mode="floor")[:, None, None]
        row_BRC = (first_B11 + torch.arange(rows, device=device)[:, None]).expand(shape)
        column_BRC = torch.arange(columns, device=device).expand(shape)
        end_R1 = torch.arange(rows, device=device)[:, None] * self.stride + self.patch
        real_BRC = (end_R1 <= window.length[:, None, None]).expand(shape)
        across = [direction in ("right", "left") for direction in self.directions]
        sign = [-1 if direction in ("up", "left") else 1 for direction in self.directions]

        def lay_out(per_view: list[Tensor]) -> Tensor:
            each = [sequences(x_BRC, (name,), lead=lead) for name, x_BRC in zip(self.directions, per_view, strict=True)]
            return torch.stack([x.unflatten(0, (len(x_BRC), -1)) for x, x_BRC in zip(each, per_view, strict=True)], 1).flatten(
                0, 2
            )

        everywhere = torch.ones(shape, dtype=torch.int64, device=device)
        return Steps(
            source=lay_out([window.source[:, None, None] * everywhere] * len(sign)),
            group=lay_out([window.group[:, None, None] * everywhere] * len(sign)),
            segment=lay_out([row_BRC if a else column_BRC for a in across]),
            time=lay_out([s * (column_BRC if a else row_BRC) for a, s in zip(across, sign, strict=True)]),
            valid=lay_out([real_BRC] * len(sign)),
            view=lay_out([view * everywhere for view in range(len(sign))]),
        )


def _large_stem(colours: int, width: int) -> nn.Module:
    convolution = nn.Conv2d(colours, width, 7, 2, 3)
    return nn.Sequential(_started(convolution), nn.MaxPool2d(3, 2, 1))


def _small_stem(colours: int, width: int) -> nn.Module:
    return _started(nn.Conv2d(colours, width, 3, 1, 1))


def _started(convolution: nn.Conv2d) -> nn.Conv2d:
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="linear")
    assert convolution.bias is not None
    nn.init.zeros_(convolution.bias)
    return convolution


def _half_stem(colours: int, width: int) -> nn.Module:
    return _started(nn.Conv2d(colours, width, 4, 2, 1))


STEMS = {"large": _large_stem, "half": _half_stem, "small": _small_stem}
