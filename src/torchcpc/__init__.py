"""torchcpc: Contrastive Predictive Coding (van den Oord, Li, Vinyals, arXiv:1807.03748)."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchcpc.anomalies.result import AnomalyTable as AnomalyTable
    from torchcpc.api import Run as Run
    from torchcpc.api import load as load
    from torchcpc.api import resume as resume
    from torchcpc.api import train as train
    from torchcpc.contracts import CPCError as CPCError
    from torchcpc.contracts import Listener as Listener
    from torchcpc.contracts import Result as Result
    from torchcpc.contracts import Sources as Sources
    from torchcpc.data.series.series import cases as cases
    from torchcpc.estimator import CPC as CPC
    from torchcpc.information.result import InformationTable as InformationTable
    from torchcpc.information.result import Timeline as Timeline
    from torchcpc.model import CPCModel as CPCModel
    from torchcpc.mutual import mutual_information as mutual_information
    from torchcpc.probes.question import ProbeRows as ProbeRows
    from torchcpc.probes.result import ProbeTable as ProbeTable
    from torchcpc.ranking.result import RankTable as RankTable
    from torchcpc.representations.result import Embedding as Embedding
    from torchcpc.representations.result import NearestTable as NearestTable
    from torchcpc.runs.devices import Devices as Devices
    from torchcpc.runs.saved import from_pretrained as from_pretrained
    from torchcpc.segmentation.result import SegmentTable as SegmentTable
    from torchcpc.settings import recipes as recipes
    from torchcpc.streaming import Stream as Stream

__version__ = "0.1.0"

# Public name -> its module, imported on first use, so that importing the package stays instant.
_MODULES = {
    "AnomalyTable": "anomalies.result",
    "CPC": "estimator",
    "CPCError": "contracts",
    "CPCModel": "model",
    "Devices": "runs.devices",
    "Embedding": "representations.result",
    "InformationTable": "information.result",
    "Listener": "contracts",
    "NearestTable": "representations.result",
    "ProbeRows": "probes.question",
    "ProbeTable": "probes.result",
    "RankTable": "ranking.result",
    "Result": "contracts",
    "Run": "api",
    "SegmentTable": "segmentation.result",
    "Sources": "contracts",
    "Stream": "streaming",
    "Timeline": "information.result",
    "cases": "data.series.series",
    "from_pretrained": "runs.saved",
    "load": "api",
    "mutual_information": "mutual",
    "recipes": "settings",
    "resume": "api",
    "train": "api",
}
__all__ = sorted([*_MODULES, "__version__"])  # pyright: ignore[reportUnsupportedDunderAll]


if not TYPE_CHECKING:  # type checkers know the names above, and no others

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module 'torchcpc' has no attribute {name!r}")
        return getattr(import_module(f"torchcpc.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
