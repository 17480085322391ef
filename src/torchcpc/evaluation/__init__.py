"""What representations are good for: probes, baselines and their intervals, on sources that were not trained on.

The choices by name are POOLS, HANDMADE, PROBES and CLASSIFIERS; the functions live in the modules that they name.
"""

from torchcpc.evaluation.handmade import HANDMADE
from torchcpc.evaluation.pool import POOLS
from torchcpc.evaluation.probe import PROBES
from torchcpc.evaluation.score import Row, Score
from torchcpc.evaluation.supervised import CLASSIFIERS
from torchcpc.evaluation.task import Features, Labels, Task

__all__ = ["CLASSIFIERS", "HANDMADE", "POOLS", "PROBES", "Features", "Labels", "Row", "Score", "Task"]
