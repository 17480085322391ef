"""Turn rows of numbers, such as sensor values or a line of pixels, into one vector each."""

from torch import Tensor, nn

from torchcpc.contracts import CPCError, Size
from torchcpc.encoders.strided import Strided, check_input


class VectorEncoder(Strided):
    """x [B, S, features] -> z [B, S, dim], by the same small network for every row.

    A step is a row and sees only itself.

    Args:
        features: Values of a row. As many as the data have.
        dim: Width of z.
        hidden: Width of the layer before z.
    """

    def __init__(self, *, features: Size, dim: Size = 128, hidden: Size = 256) -> None:
        super().__init__()
        if features < 1:
            raise CPCError(
                f"features = {features}: a row has at least one value. Set encoder.features to the width of your rows."
            )
        self.dim, self.features, self.row_shape = dim, features, (features,)
        self.layers = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, dim))

    def forward(self, x_BSF: Tensor) -> Tensor:
        """Return z [B, S, dim] of rows [B, S, features]."""
        check_input(x_BSF, "rows", self.row_shape)
        return self.layers(x_BSF.to(next(self.parameters()).dtype))
