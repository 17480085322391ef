"""The model whose score is the exact log density ratio of an AR(1) process of unit variance."""

import math

import torch
from torch import Tensor, nn

from torchcpc.contexts import NoContext
from torchcpc.contracts import Layout, Steps, Window
from torchcpc.encoders.strided import strided_steps
from torchcpc.model import CPCModel
from torchcpc.scores import Bilinear


def information(phi: float, k: int) -> float:
    return -0.5 * math.log(1 - phi ** (2 * k))


class Quadratic(nn.Module):
    """x -> (1, x, x^2), in which the exact log ratio of a Gaussian pair is a bilinear form."""

    dim, stride, receptive_field, layout = 3, 1, 1, Layout()

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([torch.ones_like(x), x, x**2], dim=-1)

    def steps(self, window: Window) -> Steps:
        return strided_steps(window, 1)


def exact_model(phi: float, *, horizons: int) -> CPCModel:
    predictor = Bilinear(3, 3, count=horizons)
    for weight, k in zip(predictor.weight.data, predictor.horizons, strict=True):
        square = phi ** (2 * k)
        scale = 1 / (2 * (1 - square))
        weight.zero_()  # [candidate, context], each (1, x, x^2)
        weight[0, 0], weight[0, 2] = information(phi, k), -square * scale
        weight[1, 1], weight[2, 0] = 2 * phi**k * scale, -square * scale
    return CPCModel(Quadratic(), NoContext(3), predictor)
