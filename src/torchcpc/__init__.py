"""torchcpc: Contrastive Predictive Coding (van den Oord, Li, Vinyals, arXiv:1807.03748)."""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["CPC", "TERMINAL", "CPCError", "CPCModel", "Devices", "Listener", "ProbeRows", "Result", "Run", "Sources", "Stream"]
__all__ += [
    "AnomalyTable",
    "Embedding",
    "InformationTable",
    "NearestTable",
    "ProbeTable",
    "RankTable",
    "SegmentTable",
    "Timeline",
    "TrainingPlan",
]
__all__ += [
    "__version__",
    "cases",
    "from_pretrained",
    "load",
    "log_to",
    "mutual_information",
    "plan",
    "plan_rest",
    "recipes",
    "resume",
    "train",
]

if TYPE_CHECKING:
    from torchcpc.anomalies.result import AnomalyTable
    from torchcpc.api import Run, load, resume, train
    from torchcpc.contracts import CPCError, Listener, Result, Sources
    from torchcpc.data.series.series import cases
    from torchcpc.estimator import CPC
    from torchcpc.information.result import InformationTable, Timeline
    from torchcpc.model import CPCModel
    from torchcpc.mutual import mutual_information
    from torchcpc.probes.question import ProbeRows
    from torchcpc.probes.result import ProbeTable
    from torchcpc.progress import TERMINAL
    from torchcpc.ranking.result import RankTable
    from torchcpc.representations.result import Embedding, NearestTable
    from torchcpc.runs.devices import Devices
    from torchcpc.runs.dry_run import plan, plan_rest
    from torchcpc.runs.loggers import log_to
    from torchcpc.runs.plan import TrainingPlan
    from torchcpc.runs.saved import from_pretrained
    from torchcpc.segmentation.result import SegmentTable
    from torchcpc.settings import recipes
    from torchcpc.streaming import Stream

# Module -> its public names. They are imported on first use, so that importing the package is fast.
_NAMES = {
    "anomalies.result": "AnomalyTable",
    "api": "Run load resume train",
    "contracts": "CPCError Listener Result Sources",
    "data.series.series": "cases",
    "estimator": "CPC",
    "information.result": "InformationTable Timeline",
    "model": "CPCModel",
    "mutual": "mutual_information",
    "probes.question": "ProbeRows",
    "probes.result": "ProbeTable",
    "progress": "TERMINAL",
    "ranking.result": "RankTable",
    "representations.result": "Embedding NearestTable",
    "runs.devices": "Devices",
    "runs.dry_run": "plan plan_rest",
    "runs.loggers": "log_to",
    "runs.plan": "TrainingPlan",
    "runs.saved": "from_pretrained",
    "segmentation.result": "SegmentTable",
    "settings": "recipes",
    "streaming": "Stream",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}

if not TYPE_CHECKING:  # type checkers use the imports above

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module 'torchcpc' has no attribute {name!r}")
        return getattr(import_module(f"torchcpc.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
