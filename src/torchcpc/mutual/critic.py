"""A score for every pair (x_i, y_j) that starts as the fitted copula's log density ratio and learns what the copula misses.

Two things are learned, both zero at the start: a shift of the canonical coordinates, which can straighten what ranks cannot, and
a product f(x) . g(y), the paper's eq. 3 with both sides encoded. So data that need no learning are answered at once and exactly,
and the rest begins from there. The F folds of a cross-fit have weights of their own and are trained side by side.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from torchcpc.mutual.elliptical import Copula, log_ratio


class Side(nn.Module):
    """features [F, n, I] -> [F, n, O], a residual network of its own for each fold; the first `zero` outputs start at 0."""

    def __init__(self, folds: int, inputs: int, outputs: int, width: int, layers: int, zero: int, gain: float) -> None:
        super().__init__()
        sizes = [inputs, *[width] * layers, outputs]
        self.weight = nn.ParameterList(nn.Parameter(torch.randn(folds, a, b) / a**0.5) for a, b in pairwise(sizes))
        self.bias = nn.ParameterList(nn.Parameter(torch.zeros(folds, 1, b)) for b in sizes[1:])
        with torch.no_grad():
            self.bias[0].normal_(std=0.5)  # units that bend at different places
            self.weight[-1][:, :, :zero] = 0
            self.weight[-1][:, :, zero:] *= gain

    def forward(self, x_FnI: Tensor) -> Tensor:
        *hidden, (last_bias, last_weight) = zip(self.bias, self.weight, strict=True)
        h = x_FnI
        for bias, weight in hidden:
            new = nn.functional.silu(torch.baddbmm(bias, h, weight))
            h = new + h if h.shape == new.shape else new
        return torch.baddbmm(last_bias, h, last_weight)


class Critic(nn.Module):
    """(coordinates and features of n rows, for each fold) -> scores [F, n, n] in nats, row i: context x_i, column j: candidate y_j."""

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
    """Normal-score coordinates, their squares and the log of their length: what makes radii and tails easy to see. [N, 2 D + 1]."""
    length_N1 = (z_ND**2).mean(axis=1, keepdims=True)
    return np.concatenate([z_ND, (z_ND**2 - 1) / np.sqrt(2), np.log(length_N1 + 0.1)], axis=1).astype(np.float32)
