"""The types that all rooms share: axes, batches, sources, the parts of a model, and the one exception.

The axes are the same everywhere: B batch, T steps, D latent, C context, K horizons, M anchors, N candidates, S raw
positions. A raw position is a sample or a row. A name carries its axes as a suffix, such as `z_BTD`, where they are
not obvious. Scores, losses and bounds are in nats.

This room imports no other room, so every room can import it.
"""

from torchcpc.contracts.batches import ONE_SEQUENCE, Draw, Layout, Spans, Steps, Window
from torchcpc.contracts.errors import CPCError, check_choice, check_rules, counted
from torchcpc.contracts.model import Context, Encoder, LogPartition, Model, Predictor
from torchcpc.contracts.nearest import nearest_name
from torchcpc.contracts.printable import one_line, printable, printable_lines, shown
from torchcpc.contracts.progress import QUIET, Estimand, Listener, Progress, Quiet, Result, silent
from torchcpc.contracts.ranges import Count, NotNegative, OneOf, Positive, Share, Size, Whole
from torchcpc.contracts.reading import FactGroup, grouped, note_lines, skip_lines
from torchcpc.contracts.sources import (
    Channelled,
    Divisible,
    Item,
    RowLabelled,
    Skipped,
    Sources,
    Timed,
    Written,
    provides,
    require,
)

__all__ = ["ONE_SEQUENCE", "Draw", "Layout", "Spans", "Steps", "Window"]
__all__ += ["CPCError", "check_choice", "check_rules", "counted"]
__all__ += ["Context", "Encoder", "LogPartition", "Model", "Predictor"]
__all__ += ["nearest_name"]
__all__ += ["one_line", "printable", "printable_lines", "shown"]
__all__ += ["QUIET", "Estimand", "Listener", "Progress", "Quiet", "Result", "silent"]
__all__ += ["Count", "NotNegative", "OneOf", "Positive", "Share", "Size", "Whole"]
__all__ += ["FactGroup", "grouped", "note_lines", "skip_lines"]
__all__ += ["Channelled", "Divisible", "Item", "RowLabelled", "Skipped", "Sources", "Timed", "Written", "provides", "require"]
