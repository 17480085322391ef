"""Contexts: the past -> one vector per step. Choice by name is this dict."""

from torchcpc.contexts.none import NoContext
from torchcpc.contexts.recurrent import RecurrentContext

CONTEXTS = {"gru": RecurrentContext, "none": NoContext}

__all__ = ["CONTEXTS", "NoContext", "RecurrentContext"]
