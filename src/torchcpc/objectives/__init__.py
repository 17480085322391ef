"""Objectives: they turn scores into one number, in nats."""

from torchcpc.objectives.contrast import Anchors, Contrast, anchors
from torchcpc.objectives.infonce import infonce, symmetric_infonce
from torchcpc.objectives.streamed import Contrasted, contrast_pool

__all__ = ["Anchors", "Contrast", "Contrasted", "anchors", "contrast_pool", "infonce", "symmetric_infonce"]
