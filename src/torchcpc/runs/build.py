"""From resolved settings to a model, and what settings there are."""

import torch

from torchcpc.contexts import CONTEXTS
from torchcpc.data.splits import hold_out
from torchcpc.data.windows import RandomWindows
from torchcpc.domains import DOMAINS
from torchcpc.encoders import ENCODERS
from torchcpc.model import CPCModel
from torchcpc.scores import CANDIDATES, PREDICTORS
from torchcpc.settings import Schema, Settings, construct
from torchcpc.training import fit

MODEL_PARTS = {"encoder": ENCODERS, "context": CONTEXTS, "predictor": PREDICTORS}


def schema() -> Schema:
    """The sections of a recipe; readers are those of the domains that there are when it is called."""
    return {
        "data": {name: domain.reader for name, domain in DOMAINS.items()},
        **MODEL_PARTS,
        "candidates": CANDIDATES,
        "windows": RandomWindows,
        "split": hold_out,
        "training": fit,
    }


def build(settings: Settings, *, seed: int = 0) -> CPCModel:
    """A fresh model from resolved settings; the same seed gives the same weights and leaves torch's global generator alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = construct(ENCODERS, settings["encoder"])
        context = construct(CONTEXTS, settings["context"], encoder.dim, encoder.layout)
        return CPCModel(encoder, context, construct(PREDICTORS, settings["predictor"], context.dim, encoder.dim))
