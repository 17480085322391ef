"""The critic: a score for every pair (x_i, y_j). It starts as the log density ratio of the fitted copula and learns what
the copula misses.

Two things are learned, and both are zero at the start. One is a shift of the canonical coordinates, for dependence
that ranks alone cannot straighten. The other is a product f(x) . g(y), as in eq. 3 of the paper with both sides
encoded. So data that fit the copula are answered at once and exactly, and learning starts from there. The F folds of
a cross-fit have separate weights and are trained side by side.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from torchcpc.mutual.elliptical import Copula, log_ratio


class Side(nn.Module):
    """A residual network per fold, from features [F, n, I] to outputs [F, n, O]. The first `zero` outputs start at 0.

    Args:
        folds: The number of folds F.
        inputs: The number of features I.
        outputs: The number of outputs O.
        width: The width of hidden layers.
        layers: The number of hidden layers.
        zero: The number of outputs that start at 0.
        gain: The scale of the other outputs at the start.
    """

    def __init__(self, folds: int, inputs: int, outputs: int, width: int, layers: int, zero: int, gain: float) -> None:
        super().__init__()
        sizes = [inputs, *[width] * layers, outputs]
        self.weight = nn.ParameterList(nn.Parameter(torch.randn(folds, a, b) / a**0.5) for a, b in pairwise(sizes))
        self.bias = nn.ParameterList(nn.Parameter(torch.zeros(folds, 1, b)) for b in sizes[1:])
        with torch.no_grad():
            self.bias[0].normal_(std=0.5)  # so that units bend at different places
            self.weight[-1][:, :, :zero] = 0
            self.weight[-1][:, :, zero:] *= gain

    def forward(self, x_FnI: Tensor) -> Tensor:
        """Return the outputs [F, n, O]."""
        *hidden, (last_bias, last_weight) = zip(self.bias, self.weight, strict=True)
        h = x_FnI
        for bias, weight in hidden:
            new = nn.functional.silu(torch.baddbmm(bias, h, weight))
            h = new + h if h.shape == new.shape else new
        return torch.baddbmm(last_bias, h, last_weight)


class Critic(nn.Module):
    """Scores of all pairs of n rows, for each fold.

    Args:
        copulas: The fitted copula of each fold.
        width: The width of hidden layers.
        layers: The number of hidden layers.
        product: The dimension of f(x) . g(y).
    """

    def __init__(self, copulas: Sequence[Copula], *, width: int, layers: int, product: int) -> None:
        super().__init__()
        first = copulas[0]
        self.nu, folds = first.nu, len(copulas)
        self.dx, self.dy = first.to_u.shape[1], first.to_v.shape[1]
        self.f = Side(folds, 2 * self.dx + 1, self.dx + product, width, layers, self.dx, 0.0)
        self.g = Side(folds, 2 * self.dy + 1, self.dy + product, width, layers, self.dy, 0.3)
        rho_FR = torch.from_numpy(np.stack([copula.rho_R for copula in copulas])).float()
        self.rho = nn.Parameter(torch.atanh(rho_FR))

    def forward(self, u: Tensor, fu: Tensor, v: Tensor, fv: Tensor) -> Tensor:
        """Return scores [F, n, n] in nats. Row i is the context x_i, and column j is the candidate y_j.

        Args:
            u: Canonical coordinates of x, [F, n, dx].
            fu: Features of x.
            v: Canonical coordinates of y, [F, n, dy].
            fv: Features of y.
        """
        f, g = self.f(fu), self.g(fv)
        u, v = u + f[..., : self.dx], v + g[..., : self.dy]
        rho = torch.tanh(self.rho)[:, None]
        rest, R = 1 - rho**2, rho.shape[-1]
        qx, qy = (u**2).sum(2)[:, :, None], (v**2).sum(2)[:, None]
        ur, vr = u[..., :R], v[..., :R]
        own_x = (ur**2 * (rho**2 / rest)).sum(2)[:, :, None]
        own_y = (vr**2 * (rho**2 / rest)).sum(2)[:, None]
        # One product gives the cross terms of the quadratic form and the learned product.
        if np.isinf(self.nu):
            left = torch.cat([ur * (rho / rest), f[..., self.dx :]], 2)
            right = torch.cat([vr, g[..., self.dy :]], 2)
            return left @ right.transpose(1, 2) - 0.5 * (own_x + own_y) - 0.5 * rest.log().sum(2, keepdim=True)
        joint = qx + own_x + (qy + own_y) - 2 * (ur * (rho / rest)) @ vr.transpose(1, 2)
        elliptical = log_ratio(joint.clamp(min=0), qx, qy, self.nu, self.dx, self.dy, torch.log1p)
        return elliptical + f[..., self.dx :] @ g[..., self.dy :].transpose(1, 2) - 0.5 * rest.log().sum(2, keepdim=True)


def features(z_ND: np.ndarray) -> np.ndarray:
    """Return normal scores, their squares and the log of their length, [N, 2 D + 1]. These make radii and tails easy to
    learn.
    """
    length_N1 = (z_ND**2).mean(axis=1, keepdims=True)
    return np.concatenate([z_ND, (z_ND**2 - 1) / np.sqrt(2), np.log(length_N1 + 0.1)], axis=1).astype(np.float32)
