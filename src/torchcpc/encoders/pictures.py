"""Turn pictures into one vector per patch of an overlapping grid.

This is the encoder of section 3.2 of the paper, and of CPC v2 (Henaff et al. 2020, arXiv:1905.09272). A raw position is a
row of pixels, and a step is a row of patches. Each column of the grid is a sequence, read from top to bottom. In CPC v2 the
grid is also read from the other three sides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, cast

import torch
from annotated_types import Ge, Le, MinLen
from torch import Tensor, nn

from torchcpc.contracts import Count, CPCError, Layout, OneOf, Share, Size, Steps, Window, check_choice
from torchcpc.encoders.patches import DIRECTIONS, flipped, grid, sequences, shifted_crops, single_colour
from torchcpc.encoders.residual import PATCH_NORMALISATIONS, residual_stacks
from torchcpc.encoders.strided import check_aligned

Side = Annotated[int, Ge(1), Le(1 << 14)]
"""Side of a picture or a patch, in pixels."""


def _stem(colours: int, width: int, kernel: int, stride: int, padding: int) -> nn.Conv2d:
    """Return a first layer, initialised for input that no rectifier precedes."""
    convolution = nn.Conv2d(colours, width, kernel, stride, padding)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="linear")
    nn.init.zeros_(cast(Tensor, convolution.bias))
    return convolution


STEMS: dict[str, Callable[[int, int], nn.Module]] = {
    "large": lambda colours, width: nn.Sequential(_stem(colours, width, 7, 2, 3), nn.MaxPool2d(3, 2, 1)),
    "half": lambda colours, width: _stem(colours, width, 4, 2, 1),
    "small": lambda colours, width: _stem(colours, width, 3, 1, 1),
}


@dataclass(kw_only=True, eq=False, repr=False)
class PictureEncoder(nn.Module):
    """x [B, S, W, colours], rows of pixels in [-1, 1] -> z [B * sequences, T, dim].

    z is the spatial mean of a residual network over each patch. The defaults are those of the paper: a grey picture of 256
    pixels has 7 x 7 patches of 64 pixels, 32 apart. A random crop of 60 is padded back. The network is the first three
    stacks of ResNet-v2-101 without batch norm, with 1024 outputs.

    Step t ends with pixel row (t+1)*stride - 1 or before. The first patch ends after the first `stride` rows, so the first
    ceil(patch / stride) - 1 steps are zero and not valid. T is their number plus the rows of the grid. It equals S / stride
    if stride divides both S and patch. Steps closer than ceil(patch / stride) share pixels, so the predictor should start
    there (2 in the paper).

    Args:
        patch: Side of a patch, in pixels.
        stride: Pixels from one patch to the next, across and down. At most `patch`.
        columns: Patches across a picture. (data.size - patch) / stride + 1 of them fit.
        colours: Colours of a pixel, 1 for grey pictures (data.grey), else 3.
        stem: First layer. "large" is 7x7 with stride 2 and pooling, "half" is 4x4 with stride 2, "small" is 3x3.
        width: Channels of the first layer.
        blocks: Residual blocks of each stack.
        channels: Outputs of each stack. The last is the width of z.
        inner: Width of the 3x3 convolutions of each stack.
        normalisation: What normalises one patch by itself.
        margin: Pixels by which a patch is cropped, in training at random. Smaller than `patch`.
        flip: Share of patches that training mirrors.
        colour_drop: Share of patches that training shows in one colour only.
        directions: Sides from which the grid is read. All except "down" need a square grid.
    """

    takes_missing = False

    patch: Side = 64
    stride: Side = 32
    columns: Side = 7
    colours: Annotated[int, Ge(1), Le(1024)] = 1
    stem: Annotated[str, OneOf(STEMS)] = "large"
    width: Size = 64
    blocks: Annotated[Sequence[Count], MinLen(1)] = (3, 4, 23)
    channels: Annotated[Sequence[Size], MinLen(1)] = (256, 512, 1024)
    inner: Annotated[Sequence[Size], MinLen(1)] = (64, 128, 256)
    normalisation: Annotated[str, OneOf(PATCH_NORMALISATIONS)] = "none"
    margin: Annotated[int, Ge(0), Le(1 << 14)] = 4
    flip: Share = 0.0
    colour_drop: Share = 0.0
    directions: Annotated[Sequence[Annotated[str, OneOf(DIRECTIONS)]], MinLen(1)] = ("down",)

    def __post_init__(self) -> None:
        super().__init__()
        patch, stride, columns, colours, width = self.patch, self.stride, self.columns, self.colours, self.width
        if not 1 <= stride <= patch or columns < 1 or colours < 1 or width < 1:
            raise CPCError(
                f"{patch = }, {stride = }, {columns = }, {colours = }, {width = }: all at least 1, and the stride at most the patch, or "
                "pixels between patches would be skipped."
            )
        margin, flip, colour_drop = self.margin, self.flip, self.colour_drop
        if not 0 <= margin < patch or not 0 <= flip <= 1 or not 0 <= colour_drop <= 1:
            raise CPCError(f"{margin = }, {flip = }, {colour_drop = }: a margin smaller than the patch, and two probabilities.")
        directions = self.directions = tuple(self.directions)
        if not directions or len(set(directions)) < len(directions) or not set(directions) <= DIRECTIONS.keys():
            raise CPCError(f"{directions = }: one or more of {', '.join(DIRECTIONS)}, each once.")
        check_choice("stem", self.stem, STEMS)
        self.dim, self.layout, self.receptive_field = tuple(self.channels)[-1], Layout(len(directions), columns), patch
        # The narrowest picture with this many columns. Up to stride - 1 further pixels are not used.
        self.row_shape = ((columns - 1) * stride + patch, colours)
        lists = {"blocks": tuple(self.blocks), "channels": tuple(self.channels), "inner": tuple(self.inner)}
        stacks = residual_stacks(width, **lists, normalisation=self.normalisation)
        # CPU and GPU convolve fastest with channels innermost.
        layers = nn.Sequential(STEMS[self.stem](colours, width), *stacks)
        self.layers = layers.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    @property
    def first_new_step(self) -> int:
        """The smallest k for which step t+k shares no pixel with step t. A smaller k can be predicted by copying."""
        return -(-self.patch // self.stride)

    def forward(self, x_BSWc: Tensor) -> Tensor:
        """Return z [B * sequences, T, dim] of pictures [B, S, W, colours]."""
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
        return sequences([z_BRCD] * self.layout.views, self.directions, lead=self.first_new_step - 1)

    def _rows(self, x_BSWc: Tensor) -> int:
        """Return the rows of the grid. Raises CPCError if the pictures do not fit the grid."""
        _, S, W, c = x_BSWc.shape if x_BSWc.dim() == 4 else (0, 0, 0, 0)
        rows, columns = ((side - self.patch) // self.stride + 1 for side in (S, W))
        if c != self.colours or rows < 1 or columns != self.layout.columns:
            raise CPCError(
                f"input of shape {tuple(x_BSWc.shape)}: expected [batch, rows, width, {self.colours}] with {self.layout.columns} patches "
                f"of {self.patch} pixels, {self.stride} apart, across; this width makes {max(columns, 0)}. Set data.size, encoder.patch, "
                "encoder.stride, encoder.columns and encoder.colours so that they fit."
            )
        if rows != columns and self.directions != ("down",):
            raise CPCError(
                f"a grid of {rows} x {columns} patches read in the directions {', '.join(self.directions)}: a square one is needed. Use "
                "whole square pictures (windows.length = data.size), or directions = ['down']."
            )
        return rows

    def steps(self, window: Window) -> Steps:
        """Return the metadata of the steps of a window.

        `segment` and `time` depend on the direction of reading. Downwards, `segment` is the column and `time` is the row.
        Upwards, `time` is minus the row. Across, `segment` is the row and `time` is plus or minus the column. `view` is the
        number of the direction.

        Args:
            window: The window.
        """
        check_aligned(window, self.stride)
        rows, columns, device = self._rows(window.x), self.layout.columns, window.start.device
        first_B11 = torch.div(window.start, self.stride, rounding_mode="floor")[:, None, None]
        row_R1, column_C = torch.arange(rows, device=device)[:, None], torch.arange(columns, device=device)
        row_BR1 = first_B11 + row_R1
        real_BR1 = row_R1 * self.stride + self.patch <= window.length[:, None, None]
        time = {"down": row_BR1, "up": -row_BR1, "right": column_C, "left": -column_C}

        def lay_out(per_view: Sequence[Tensor]) -> Tensor:
            every = [x.expand(len(window.start), rows, columns) for x in per_view]
            return sequences(every, self.directions, lead=self.first_new_step - 1)

        views = len(self.directions)
        return Steps(
            source=lay_out([window.source[:, None, None]] * views),
            group=lay_out([window.group[:, None, None]] * views),
            segment=lay_out([row_BR1 if direction in ("right", "left") else column_C for direction in self.directions]),
            time=lay_out([time[direction] for direction in self.directions]),
            valid=lay_out([real_BR1] * views),
            view=lay_out(list(torch.arange(views, device=device))),
        )
