"""Scores: how well a context and a candidate fit, in nats, and which candidates compete. The dicts hold the choices by name."""

from torchcpc.scores.amortised import Amortised
from torchcpc.scores.bilinear import Bilinear
from torchcpc.scores.calibration import CORRECTIONS, MARGINALS, Sample
from torchcpc.scores.candidates import CANDIDATES, STRATEGIES, Full, Sampled, Shared

PREDICTORS = {"bilinear": Bilinear}

__all__ = ["CANDIDATES", "CORRECTIONS", "MARGINALS", "PREDICTORS", "STRATEGIES"]
__all__ += ["Amortised", "Bilinear", "Full", "Sample", "Sampled", "Shared"]
