"""Contexts: the past -> one vector per step. Choice by name is this dict."""

from torchcpc.contexts.masked_conv import MaskedConvolutions
from torchcpc.contexts.none import NoContext
from torchcpc.contexts.recurrent import RecurrentContext

CONTEXTS = {"gru": RecurrentContext, "masked_conv": MaskedConvolutions, "none": NoContext}

__all__ = ["CONTEXTS", "MaskedConvolutions", "NoContext", "RecurrentContext"]
