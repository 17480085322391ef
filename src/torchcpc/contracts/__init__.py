"""What the rooms agree on: axes, the shape of a batch, sources, the parts of a model, and the one exception.

Axes, everywhere: B batch, T steps, D latent, C context, K horizons, M anchors, N candidates, S raw positions (samples, rows).
A name carries its axes as a suffix (`z_BTD`) where the axes are not obvious. Scores, losses and bounds are in nats.

This room imports no other, so that every room can lean on it.
"""

from torchcpc.contracts.batches import ONE_SEQUENCE, Draw, Layout, Spans, Steps, Window
from torchcpc.contracts.errors import CPCError
from torchcpc.contracts.measured import Estimand, Result
from torchcpc.contracts.model import Context, Encoder, LogPartition, Model, Predictor
from torchcpc.contracts.progress import QUIET, Listener, Progress, Quiet, silent
from torchcpc.contracts.sources import Item, RowLabelled, Skipped, Sources, Timed, Written, provides, require

__all__ = [
    "ONE_SEQUENCE",
    "QUIET",
    "CPCError",
    "Context",
    "Draw",
    "Encoder",
    "Estimand",
    "Item",
    "Layout",
    "Listener",
    "LogPartition",
    "Model",
    "Predictor",
    "Progress",
    "Quiet",
    "Result",
    "RowLabelled",
    "Skipped",
    "Sources",
    "Spans",
    "Steps",
    "Timed",
    "Window",
    "Written",
    "provides",
    "require",
    "silent",
]
