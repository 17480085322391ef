"""torchcpc: Contrastive Predictive Coding (van den Oord, Li, Vinyals, arXiv:1807.03748)."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Public names whose modules need torch: found on first use, so that importing the package stays instant.
_LATER = {"CPC": "torchcpc.estimator", "mutual_information": "torchcpc.mutual"}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'torchcpc' has no attribute {name!r}")
