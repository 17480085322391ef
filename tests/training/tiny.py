"""A tiny problem for the loop: fit a linear map; every batch is a function of the step."""

import numpy as np
import torch
from torch import nn

STEPS = 23


def model() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return nn.Linear(7, 3)


def draw(step: int, rank: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng((11, step, rank)).normal(size=(13, 7)).astype(np.float32))


def loss(model, x, generator):
    noise = torch.randn(13, 3, generator=generator)
    value = (model(x) - x[:, :3] + 0.1 * noise).square().mean()
    return value, {"positions": torch.tensor(13)}


def validate(model):
    with torch.no_grad():
        x = draw(10_000)
        return {"bound": -(model(x) - x[:, :3]).square().mean().item()}
