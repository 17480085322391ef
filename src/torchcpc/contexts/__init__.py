"""Contexts, which summarise the past in one vector per step. `CONTEXTS` lists them by name."""

from torchcpc.contexts.masked_conv import MaskedConvolutions
from torchcpc.contexts.recurrent import NoContext, RecurrentContext
from torchcpc.contexts.running_means import RunningMeans

CONTEXTS = {"gru": RecurrentContext, "masked_conv": MaskedConvolutions, "none": NoContext, "running_means": RunningMeans}

__all__ = ["CONTEXTS", "MaskedConvolutions", "NoContext", "RecurrentContext", "RunningMeans"]
