"""Scores: how well a context and a candidate fit, in nats, and which candidates compete. Choices by name are these dicts."""

from torchcpc.scores.bilinear import Bilinear
from torchcpc.scores.candidates import CANDIDATES, Full, Sampled, Shared
from torchcpc.scores.strategies import STRATEGIES

PREDICTORS = {"bilinear": Bilinear}

__all__ = ["CANDIDATES", "PREDICTORS", "STRATEGIES", "Bilinear", "Full", "Sampled", "Shared"]
